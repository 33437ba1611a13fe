-- The number of a value: prefix, the value padded with zeros to the width, suffix. Never plain lpad alone, which cuts
-- 10000 to four digits.
--
-- Arguments: the format of the period (prefix, width, suffix), the value, and the business date of the document, or null
-- for a gap, which has no document.
-- Answer: the number. {doc_year}, {doc_month} and {doc_day} in the prefix and the suffix become the four, two and two
-- digits of the date; without a date they become as many hyphens.
--
-- It is in the hot path. PostgreSQL puts this expression into the statement that calls it, as long as all of it is
-- immutable. A format without such a token pays for one look at its text. What the others need is a function of its own:
-- in each transaction PostgreSQL prepares the whole expression, also the part that it doesn't come to.
CREATE OR REPLACE FUNCTION ledger_number(prefix text, width integer, suffix text, value bigint, issued_on date)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN strpos(prefix || suffix, '{doc_') = 0
        THEN prefix || lpad(value::text, greatest(width, length(value::text)), '0') || suffix
        ELSE ledger_dated_number(prefix, width, suffix, value, issued_on)
    END;
