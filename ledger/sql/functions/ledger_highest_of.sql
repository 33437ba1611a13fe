-- The highest value whose number, in this format, keeps the length limit and the rules of a series.
CREATE OR REPLACE FUNCTION ledger_highest_of(p_series bigint, p_prefix text, p_width integer, p_suffix text)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT least(ledger_highest_value(p_prefix, p_width, p_suffix, least(s.max_length::integer, s.rules_length::integer)),
                 s.rules_highest)
    FROM ledger_series s WHERE s.id = p_series
$$;
