-- A period of the tenant, other than p_but and those of the series p_aside, that could give out a number of this format and
-- these values; null where none could. Looked at are those with the same prefix, and those of which one prefix goes on with
-- a digit where the other ends: in the order of bytes, what goes on with a digit lies between '0' and ':'.
CREATE OR REPLACE FUNCTION ledger_meeting_period(
    p_tenant text, p_prefix text, p_width integer, p_suffix text, p_first_value bigint, p_max_value bigint, p_but bigint,
    p_aside bigint
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    front text := upper(p_prefix);
BEGIN
    RETURN (
        SELECT q.id
        FROM ledger_period q
        WHERE q.tenant = p_tenant AND q.id IS DISTINCT FROM p_but AND q.series_id IS DISTINCT FROM p_aside
          AND (upper(q.prefix) COLLATE "C" = ANY (ARRAY(
                  SELECT left(front, n) FROM generate_series(length(front), 0, -1) AS n
                  WHERE substr(front, n + 1) ~ '^([0-9]|$)'))
               OR (upper(q.prefix) COLLATE "C" >= front || '0' AND upper(q.prefix) COLLATE "C" < front || ':'))
          AND ledger_formats_meet(p_prefix, p_width, p_suffix, p_first_value, p_max_value,
                                  q.prefix, q.width, q.suffix, q.first_value, q.max_value)
        LIMIT 1);
END $$;
