-- The common form of the prefixes, or of the suffixes, of all numbers of a period, without regard to case.
--
-- Argument: a prefix or a suffix, as ledger_render_template renders it.
-- Answer: the text in upper case, as the unique index of numbers compares it. Each digit of the document's date is the
-- character chr(1): it stands for any digit, or for the hyphen of a gap. ledger_outlines_agree compares two outlines.
CREATE OR REPLACE FUNCTION ledger_outline(p_affix text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT upper(replace(replace(replace(p_affix,
        '{doc_year}', repeat(chr(1), 4)), '{doc_month}', repeat(chr(1), 2)), '{doc_day}', repeat(chr(1), 2)))
$$;
