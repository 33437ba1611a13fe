-- The highest value whose number has at most so many characters. The same as NumberFormat.highest_value in Python.
--
-- Arguments: the format of the period (prefix, width, suffix), and the longest number in characters.
-- Answer: the value; 0 if no number is short enough; never more than 9223372036854775807, the highest bigint. A token of
-- the document's date counts with the digits that it becomes.
CREATE OR REPLACE FUNCTION ledger_highest_value(p_prefix text, p_width integer, p_suffix text, p_max_length integer)
    RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    -- What prefix and suffix leave to the counter. The number of 0 has exactly `width` digits between them.
    digits bigint := p_max_length::bigint
        - (length(ledger_number(p_prefix, p_width, p_suffix, 0::bigint, NULL::date)) - p_width)::bigint;
BEGIN
    IF digits < p_width::bigint THEN
        RETURN 0;
    ELSIF digits >= 19 THEN
        RETURN 9223372036854775807;
    END IF;
    RETURN repeat('9', digits::integer)::bigint;
END $$;
