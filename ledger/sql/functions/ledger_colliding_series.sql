-- Another series of the tenant that could give out a number of the series p_code with these settings; null if there is
-- none. This compares all values that the length limits allow, in the existing periods of both and in those of the next
-- thirty years, or three years for a calendar of days (ledger_forms_ahead). So the conflict shows when the second series
-- is defined, and not when the first checkout can't open its period.
CREATE OR REPLACE FUNCTION ledger_colliding_series(
    p_tenant text, p_code text, p_template text, p_calendar text, p_fiscal_start text, p_time_zone text,
    p_start_value bigint, p_length integer, p_highest bigint
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    mine bigint := (SELECT s.id FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_code);
    -- Numbers can be the same only if the texts before the first tokens agree up to the shorter one's end.
    head text := upper(substring(replace(replace(p_template, '{series}', p_code), '{tenant}', p_tenant) FROM '^[^{}]*'));
    -- Most series of a tenant have no such others, and an index finds those that do. OFFSET 0 as in ledger_colliding_period.
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
    -- And only if the common text of the forms of all their periods agrees.
    own record;
    -- The number of characters that every form of both has before the counter.
    common integer;
    far boolean;
    other record;
    met text;
BEGIN
    SELECT o.prefix, o.width, o.suffix,
           CASE WHEN o.prefix IS NOT NULL THEN ledger_highest_value(o.prefix, o.width, o.suffix, p_length) END AS highest
    INTO own FROM ledger_template_outline(p_template, p_code, p_tenant) o;
    SELECT array_agg(t.id) INTO others
    FROM ledger_series t CROSS JOIN LATERAL ledger_template_outline(t.template, t.code, t.tenant) o
    WHERE t.id = ANY (others)
      AND CASE WHEN own.prefix IS NULL OR o.prefix IS NULL THEN true
               ELSE ledger_formats_collide(own.prefix, own.width, own.suffix, 0::bigint, own.highest,
                                        o.prefix, o.width, o.suffix, 0::bigint,
                                        ledger_highest_value(o.prefix, o.width, o.suffix, t.max_length::integer)) END;
    -- Most series that collide do so in the next periods.
    FOREACH far IN ARRAY CASE WHEN others IS NULL THEN '{false}'::boolean[] ELSE '{false,true}' END LOOP
        SELECT s.code INTO met
        FROM (SELECT f.prefix, f.width, f.suffix, f.first_value, f.max_value
              FROM ledger_forms_ahead(p_tenant, p_code, p_template, p_calendar, p_fiscal_start, p_time_zone, p_start_value,
                                      p_length, p_highest, far) f
              UNION ALL
              SELECT p.prefix, p.width, p.suffix, p.first_value,
                     least(ledger_highest_value(p.prefix, p.width, p.suffix, p_length), p_highest)
              FROM ledger_period p
              WHERE p.tenant = p_tenant AND p.series_id = mine AND p.closed_at IS NULL AND NOT p.cut_short
                AND p.last_value >= p.first_value) f
        JOIN ledger_period q ON q.id = ledger_colliding_period(p_tenant, f.prefix, f.width, f.suffix, f.first_value,
                                                             f.max_value, NULL::bigint, mine)
        JOIN ledger_series s ON s.id = q.series_id
        LIMIT 1;
        IF met IS NOT NULL THEN RETURN met; END IF;
        FOR other IN
            SELECT t.code, t.template, t.calendar, t.fiscal_start, t.time_zone, t.start_value, t.rules_highest,
                   least(t.max_length::integer, t.rules_length::integer) AS length
            FROM ledger_series t WHERE t.id = ANY (others) ORDER BY t.id
        LOOP
            BEGIN
                SELECT least(strpos(own.prefix || '{doc_', '{doc_'), strpos(o.prefix || '{doc_', '{doc_')) - 1 INTO common
                FROM ledger_template_outline(other.template, other.code, p_tenant) o;
                common := coalesce(common, 0);
                -- Compare those that agree so far; an older form of a period may have fewer such characters.
                PERFORM FROM (
                    WITH m AS MATERIALIZED (
                        SELECT f.prefix, f.width, f.suffix, f.first_value, f.max_value
                        FROM ledger_forms_ahead(p_tenant, p_code, p_template, p_calendar, p_fiscal_start, p_time_zone,
                                                p_start_value, p_length, p_highest, far) f
                        UNION ALL
                        SELECT p.prefix, p.width, p.suffix, p.first_value, p.max_value FROM ledger_period p
                        WHERE p.tenant = p_tenant AND p.series_id = mine AND p.closed_at IS NULL
                    ), o AS MATERIALIZED (
                        SELECT f.prefix, f.width, f.suffix, f.first_value, f.max_value
                        FROM ledger_forms_ahead(p_tenant, other.code, other.template, other.calendar, other.fiscal_start,
                                                other.time_zone, other.start_value, other.length, other.rules_highest, far) f
                    )
                    SELECT m.prefix FROM m JOIN o ON upper(left(m.prefix, common)) = upper(left(o.prefix, common))
                    WHERE strpos(m.prefix || '{doc_', '{doc_') > common
                      AND ledger_formats_collide(m.prefix, m.width, m.suffix, m.first_value, m.max_value,
                                              o.prefix, o.width, o.suffix, o.first_value, o.max_value)
                    UNION ALL
                    SELECT m.prefix FROM m JOIN o ON strpos(m.prefix || '{doc_', '{doc_') <= common
                    WHERE ledger_formats_collide(m.prefix, m.width, m.suffix, m.first_value, m.max_value,
                                              o.prefix, o.width, o.suffix, o.first_value, o.max_value)
                    LIMIT 1) met;
                IF FOUND THEN RETURN other.code; END IF;
            EXCEPTION WHEN check_violation OR data_exception THEN
                CONTINUE; -- an unreadable series must not prevent the definition of another
            END;
        END LOOP;
    END LOOP;
    RETURN NULL;
END $$;
