-- Could two outlines be the same text?
--
-- Arguments: two texts in upper case. chr(1) stands for any digit or a hyphen (a digit of the document's date, or a
-- gap's hyphen), and chr(2) for any digit of a counter.
-- Answer: true if they have the same length and agree in each place.
CREATE OR REPLACE FUNCTION ledger_outlines_agree(p_one text, p_other text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF p_one = p_other THEN
        RETURN true;
    ELSIF length(p_one) <> length(p_other) OR strpos(translate(p_one || p_other, chr(2), chr(1)), chr(1)) = 0 THEN
        RETURN false;
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM unnest(string_to_array(p_one, NULL::text), string_to_array(p_other, NULL::text)) AS place(one, other)
        WHERE place.one <> place.other
          AND NOT (place.one = chr(1) AND strpos(chr(1) || chr(2) || '0123456789-', place.other) > 0)
          AND NOT (place.other = chr(1) AND strpos(chr(1) || chr(2) || '0123456789-', place.one) > 0)
          AND NOT (place.one = chr(2) AND strpos(chr(1) || '0123456789', place.other) > 0)
          AND NOT (place.other = chr(2) AND strpos(chr(1) || '0123456789', place.one) > 0)
    );
END $$;
