-- The number of a value in a format with tokens of the document's date. ledger_number calls it where it finds one.
--
-- Arguments: those of ledger_number.
-- Answer: the number. {doc_year}, {doc_month} and {doc_day} become the four, two and two digits of the date; without a
-- date they become as many hyphens.
CREATE OR REPLACE FUNCTION ledger_dated_number(
    p_prefix text, p_width integer, p_suffix text, p_value bigint, p_issued_on date
) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    -- No token has a digit, so the counter between prefix and suffix can't become part of one.
    RETURN replace(replace(replace(
        p_prefix || lpad(p_value::text, greatest(p_width, length(p_value::text)), '0') || p_suffix,
        '{doc_year}', coalesce(lpad(extract(year FROM p_issued_on)::text, 4, '0'), '----')),
        '{doc_month}', coalesce(lpad(extract(month FROM p_issued_on)::text, 2, '0'), '--')),
        '{doc_day}', coalesce(lpad(extract(day FROM p_issued_on)::text, 2, '0'), '--'));
END $$;
