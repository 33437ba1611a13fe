-- The next value of a serial series for who asks for nothing else: no document, no actor, no metadata, today. With those out
-- of the way there is less to look up and less to answer than in ledger_issue_serial, whose locks it takes in the same
-- order, and whose rules it keeps: what it can't do by itself, it asks of that one. Null where the series gives out no
-- value; ledger_issue_serial says why.
CREATE FUNCTION ledger_next_value(p_tenant text, p_series text, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    series bigint;
    period bigint;
    day date;
    queued boolean;
    taken bigint;
    new_number text;
BEGIN
    -- As there, each look-up is one probe of its unique index: the series', and by LIMIT the period's.
    SELECT s.id, q.id, d.day INTO series, period, day
    FROM ledger_series s
    CROSS JOIN LATERAL (SELECT (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date AS day) d
    CROSS JOIN LATERAL (
        SELECT r.id, r.ends_on, r.closed_at, r.last_value, r.max_value FROM ledger_period r
        WHERE r.tenant = p_tenant AND r.series_id = s.id AND r.starts_on <= d.day
        ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE s.tenant = p_tenant AND s.code = p_series
      AND s.is_active AND s.allocation = 'serial' AND NOT s.chronological
      AND q.ends_on >= d.day AND q.closed_at IS NULL AND q.last_value < q.max_value;

    IF FOUND THEN
        -- The queue before the row. (An assignment runs no statement, as PERFORM does.)
        queued := pg_advisory_xact_lock(1181707369, hashint8(period)) IS NOT NULL;
        -- With a date in last_issued_on the chronology guard was on once: the other function keeps it up.
        UPDATE ledger_period p
        SET last_value = p.last_value + 1
        WHERE p.id = period
          AND day BETWEEN p.starts_on AND p.ends_on
          AND p.closed_at IS NULL
          AND p.last_value < p.max_value
          AND p.last_issued_on IS NULL
        RETURNING p.last_value, ledger_number(p.prefix, p.width, p.suffix, p.last_value) INTO taken, new_number;
        IF FOUND THEN
            INSERT INTO ledger_entry
                (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
            VALUES (p_tenant, series, period, taken, 'issued', new_number, '', day, '', '{}');
            RETURN taken;
        END IF;
    END IF;
    -- Its answer has the value in the sixth place, and ends before that where there is none.
    RETURN (ledger_issue_serial(p_tenant, p_series, NULL, p_at, '', '', '{}'))[6]::bigint;
END $$;
