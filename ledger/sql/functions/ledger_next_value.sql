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
    SELECT s.id, q.id, s.day INTO series, period, day
    FROM ledger_find_series(p_tenant, p_series, NULL::date, p_at, 'serial') s
    CROSS JOIN LATERAL ledger_find_period(p_tenant, s.id, s.day) q
    WHERE s.refusal IS NULL AND NOT s.chronological AND q.closed_at IS NULL AND q.last_value < q.max_value;

    IF FOUND THEN
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
        IF FOUND THEN
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
