-- The values of a period as a range of numbers, "format, then value", with the format as its hash; for an exclusion
-- constraint, as ledger_days_as_range. Nobody can find another text with the same hash: else somebody could name a tenant
-- whose periods keep another tenant's from being opened. Of a declaration the "format" is authority and period.
CREATE OR REPLACE FUNCTION ledger_values_as_range(
    p_tenant text, p_prefix text, p_suffix text, p_first bigint, p_last bigint
) RETURNS numrange LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT numrange(f.format + p_first::numeric, f.format + greatest(p_last, p_first)::numeric, '[]')
    FROM (SELECT left(translate(encode(sha256(t.bytes), 'hex'), 'abcdef', '012345'), 40)::numeric * 1e20 AS format
          FROM (SELECT convert_to(p_tenant || chr(31) || upper(p_prefix) || chr(31) || upper(p_suffix), 'UTF8') AS bytes) t) f
$$;
