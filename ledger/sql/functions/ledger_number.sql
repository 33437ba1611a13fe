-- The number of a value: prefix, the value padded with zeros to the width, suffix. Never lpad alone, which would cut
-- 10000 to four digits.
--
-- Arguments: the format of the period (prefix, width, suffix), the value, and the business date of the document, or null
-- for a gap, which has no document.
-- Answer: the number. {doc_year}, {doc_month} and {doc_day} in the prefix and the suffix become the four, two and two
-- digits of the date; without a date they become as many hyphens.
--
-- This is in the hot path. PostgreSQL inlines the expression into the calling statement, as long as all of it is
-- immutable. A format without such a token pays only for one look at its text. The other formats use a separate
-- function, because in each transaction PostgreSQL prepares the whole expression, even the parts that it doesn't reach.
CREATE OR REPLACE FUNCTION ledger_number(prefix text, width integer, suffix text, value bigint, issued_on date)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN strpos(prefix || suffix, '{doc_') = 0
        THEN prefix || lpad(value::text, greatest(width, length(value::text)), '0') || suffix
        ELSE ledger_dated_number(prefix, width, suffix, value, issued_on)
    END;
