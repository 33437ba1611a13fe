-- The next value of a serial series and nothing else: no document, no actor, no metadata, today. So there is less to
-- look up and to return than in ledger_take_serial. It takes the same locks in the same order, follows the same rules,
-- and calls ledger_take_serial for everything else. Null if the series gives out no value; ledger_issue_serial says why.
CREATE OR REPLACE FUNCTION ledger_next_value(p_tenant text, p_series text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    series bigint;
    period bigint;
    day date;
    taken bigint;
    new_number text;
BEGIN
    -- Each look-up uses a unique index once: that of the series and, because of LIMIT, that of the period.
    SELECT s.id, s.day, CASE WHEN s.refusal IS NULL AND NOT s.chronological AND q.ends_on >= s.day AND q.closed_at IS NULL
                              AND q.last_value < q.max_value THEN q.id END
    INTO series, day, period
    FROM ledger_find_series(p_tenant, p_series, NULL::date, p_at, 'serial') s
    CROSS JOIN LATERAL (
        SELECT r.id, r.ends_on, r.last_value, r.max_value, r.closed_at
        FROM ledger_period r
        WHERE r.tenant = p_tenant AND r.series_id = s.id AND r.starts_on <= s.day AND r.ordinal = 0
        ORDER BY r.starts_on DESC LIMIT 1
    ) q;

    IF period IS NOT NULL THEN
        -- The queue before the row.
        IF NOT pg_try_advisory_xact_lock(1181707369, hashint8(period # hashtextextended('@schema@.ledger_period', 0))) THEN
            PERFORM ledger_wait_in_line(period);
        END IF;
        -- A date in last_issued_on means that the chronology guard was on at some time: the other function keeps the
        -- date up to date.
        UPDATE ledger_period p
        SET last_value = p.last_value + 1
        WHERE p.id = period
          AND day BETWEEN p.starts_on AND p.ends_on
          AND p.closed_at IS NULL
          AND p.last_value < p.max_value
          AND p.last_issued_on IS NULL
        RETURNING p.last_value, ledger_number(p.prefix, p.width, p.suffix, p.last_value, day) INTO taken, new_number;
        IF taken IS NOT NULL THEN
            INSERT INTO ledger_entry
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            VALUES (p_tenant, series, period, taken, 'issued', new_number, '', day, '', '{}');
            RETURN taken;
        END IF;
    END IF;
    -- Its answer has the value in the sixth place, and is shorter if no value was given out.
    RETURN (ledger_take_serial(p_tenant, p_series, NULL::date, p_at, '', '', '{}'::jsonb, NULL::bigint,
                               NULL::bigint))[6]::bigint;
END $$;
