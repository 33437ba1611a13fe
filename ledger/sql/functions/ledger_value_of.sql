-- The value of a number, without regard to case. The same as NumberFormat.value_of in Python, which does regard case.
--
-- Arguments: the format of the period (prefix, width, suffix), and the text.
-- Answer: the value, or null if ledger_number never makes this text: another prefix or suffix, a counter with fewer
-- digits than the width, a leading zero before more digits, more than a bigint. A token of the document's date matches
-- as many digits as its width, or the hyphens of a gap.
CREATE OR REPLACE FUNCTION ledger_value_of(p_prefix text, p_width integer, p_suffix text, p_number text)
    RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    head text := ledger_outline(p_prefix);
    tail text := ledger_outline(p_suffix);
    shown text := upper(p_number);
    digits text := substr(shown, length(head) + 1, greatest(length(shown) - length(head) - length(tail), 0));
    affixes text;
BEGIN
    IF digits ~ '^[0-9]+$'
       AND (length(digits) = p_width OR length(digits) > p_width AND left(digits, 1) <> '0')
       AND (length(digits) < 19 OR length(digits) = 19 AND digits::numeric <= 9223372036854775807::numeric) THEN
        affixes := left(shown, length(head)) || right(shown, length(tail));
        IF affixes = translate(head || tail, chr(1), '-')
           OR ledger_outlines_agree(translate(head || tail, chr(1), chr(2)), affixes) THEN
            RETURN digits::bigint;
        END IF;
    END IF;
    RETURN NULL;
END $$;
