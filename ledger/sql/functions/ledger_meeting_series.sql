-- Another series of the tenant that could give out a number of the series p_code with these settings; null where none
-- could. Compared is the whole run of values that the length limits allow, of the periods that both have and of the next
-- ones (ledger_forms_ahead). So it is told when the second of the two is defined, and not by the first checkout that can't
-- open its period.
CREATE OR REPLACE FUNCTION ledger_meeting_series(
    p_tenant text, p_code text, p_template text, p_calendar text, p_fiscal_start text, p_time_zone text,
    p_start_value bigint, p_length integer, p_highest bigint
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine bigint := (SELECT s.id FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code);
    -- Numbers can be the same only if the texts before the first token agree as far as both go.
    head text := upper(substring(replace(replace(p_template, '{series}', p_code), '{tenant}', p_tenant) FROM '^[^{}]*'));
    -- So most series of a tenant have no such others, and an index finds those that have. OFFSET 0 as in
    -- ledger_meeting_period.
    others bigint[] := (
        SELECT array_agg(t.id)
        FROM (
            SELECT left(head, n) AS low, left(head, n) || chr(1) AS high FROM generate_series(0, length(head) - 1) AS n
            UNION ALL
            SELECT head, head || chr(1114111)
        ) AS r
        CROSS JOIN LATERAL (
            SELECT s.id, s.code FROM ledger_series s
            WHERE s.tenant = p_tenant AND s.is_active
              AND upper(substring(replace(replace(s.template, '{series}', s.code), '{tenant}', s.tenant), '^[^{}]*'))
                  COLLATE "C" >= r.low
              AND upper(substring(replace(replace(s.template, '{series}', s.code), '{tenant}', s.tenant), '^[^{}]*'))
                  COLLATE "C" < r.high
            OFFSET 0
        ) AS t
        WHERE t.code <> p_code);
    other record;
    met text;
BEGIN
    SELECT s.code INTO met
    FROM (SELECT f.prefix, f.width, f.suffix, f.first_value, f.max_value
          FROM ledger_forms_ahead(p_tenant, p_code, p_template, p_calendar, p_fiscal_start, p_time_zone, p_start_value,
                                  p_length, p_highest, others IS NOT NULL) f
          UNION ALL
          SELECT p.prefix, p.width, p.suffix, p.first_value,
                 least(ledger_highest_value(p.prefix, p.width, p.suffix, p_length), p_highest)
          FROM ledger_period p
          WHERE p.tenant = p_tenant AND p.series_id = mine AND p.closed_at IS NULL AND NOT p.cut_short
            AND p.last_value >= p.first_value) f
    JOIN ledger_period q ON q.id = ledger_meeting_period(p_tenant, f.prefix, f.width, f.suffix, f.first_value, f.max_value,
                                                         NULL::bigint, mine)
    JOIN ledger_series s ON s.id = q.series_id
    LIMIT 1;
    IF met IS NOT NULL THEN RETURN met; END IF;
    FOR other IN
        SELECT t.code, t.template, t.calendar, t.fiscal_start, t.time_zone, t.start_value, t.rules_highest,
               least(t.max_length::integer, t.rules_length::integer) AS length
        FROM ledger_series t WHERE t.id = ANY (others) ORDER BY t.id
    LOOP
        BEGIN
            PERFORM FROM ledger_forms_ahead(p_tenant, other.code, other.template, other.calendar, other.fiscal_start,
                                            other.time_zone, other.start_value, other.length, other.rules_highest,
                                            true) o
            JOIN (SELECT f.prefix, f.width, f.suffix, f.first_value, f.max_value
                  FROM ledger_forms_ahead(p_tenant, p_code, p_template, p_calendar, p_fiscal_start, p_time_zone,
                                          p_start_value, p_length, p_highest, true) f
                  UNION ALL
                  SELECT p.prefix, p.width, p.suffix, p.first_value, p.max_value FROM ledger_period p
                  WHERE p.tenant = p_tenant AND p.series_id = mine AND p.closed_at IS NULL) m
            ON ledger_formats_meet(m.prefix, m.width, m.suffix, m.first_value, m.max_value,
                                   o.prefix, o.width, o.suffix, o.first_value, o.max_value);
            IF FOUND THEN RETURN other.code; END IF;
        EXCEPTION WHEN check_violation OR data_exception THEN
            CONTINUE; -- a series that nobody can read keeps no other from being defined
        END;
    END LOOP;
    RETURN NULL;
END $$;
