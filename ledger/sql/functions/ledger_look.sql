-- Where the number of a `reserved` or `at_commit` series (p_allocation) will come from. It is called in the checkout's
-- transaction, whose id is evidence later. Returns 'look' with the business date in days since 1970, series, period,
-- transaction, whether a reservation releases the counter before its flush (early_release), and what decides which tables
-- the session sees: the table of entries with its schema, start of the server, database, login; or 'existing' with the date
-- and the entry; or the refusal, as in ledger_take_serial.
CREATE OR REPLACE FUNCTION ledger_look(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_allocation text,
    p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    outcome text;
    series bigint;
    period bigint;
    day date;
    days text;
    early boolean;
    entry bigint;
BEGIN
    SELECT s.id, s.day, s.refusal, s.early_release, q.id, o.id INTO series, day, outcome, early, period, entry
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at, p_allocation) s
    LEFT JOIN LATERAL ledger_find_period(p_tenant, s.id, s.day) q ON q.closed_at IS NULL
    LEFT JOIN LATERAL ledger_entry_of(p_tenant, s.id, p_document, p_replaces) o ON true;
    IF series IS NULL OR outcome IS NOT NULL THEN RETURN ARRAY[coalesce(outcome, 'unknown')]; END IF;
    days := (day - DATE '1970-01-01')::text;
    IF entry IS NOT NULL THEN RETURN ARRAY['existing', days, entry::text]; END IF;
    IF period IS NULL THEN
        -- A retry uses the reservation that its document has in an authorised range.
        SELECT r.period_id INTO period
        FROM ledger_reservation r JOIN ledger_period p ON p.id = r.period_id
        WHERE r.tenant = p_tenant AND p.series_id = series AND p.tenant = p_tenant AND p.ordinal > 0 AND p.closed_at IS NULL
          AND day BETWEEN p.starts_on AND p.ends_on AND r.document = p_document AND p_document > ''
        ORDER BY p.ordinal LIMIT 1;
        IF NOT FOUND THEN
            SELECT q.id INTO period FROM ledger_find_range(p_tenant, series, day, false) q;
        END IF;
        IF period IS NULL THEN RETURN ARRAY[ledger_refusal(p_tenant, series, day, 0), days]; END IF;
    END IF;
    RETURN ARRAY['look', days, series::text, period::text, pg_current_xact_id()::text, early::text, '@schema@.ledger_entry',
                 extract(epoch FROM pg_postmaster_start_time())::text, current_database()::text, session_user::text];
END $$;
