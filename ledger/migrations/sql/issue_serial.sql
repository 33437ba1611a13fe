-- The allocation `serial`: the counter's row stays locked from here to the caller's COMMIT, so that a rollback takes
-- the counter back and leaves no gap. Functions, so that the plan is cached on the server without prepared statements
-- of the protocol, which PgBouncer in transaction mode may not carry.

-- One number. `outcome` is 'issued', 'existing' (the document had one), or why not: 'unknown', 'inactive', 'allocation',
-- 'no_period', 'closed', 'exhausted', 'out_of_order'. A refusal locks and changes nothing.
CREATE FUNCTION ledger_issue_serial(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_document text, p_actor text, p_metadata jsonb,
    OUT outcome text, OUT business_date date, OUT entry_id bigint, OUT entry_series bigint, OUT entry_period bigint,
    OUT entry_value bigint, OUT entry_number text, OUT entry_issued_on date, OUT entry_issued_at timestamptz,
    OUT entry_transaction bigint
) LANGUAGE plpgsql AS $$
DECLARE
    series ledger_series;
    period ledger_period;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    outcome := CASE WHEN series.id IS NULL THEN 'unknown'
                    WHEN NOT series.is_active THEN 'inactive'
                    WHEN series.allocation <> 'serial' THEN 'allocation' END;
    IF outcome IS NOT NULL THEN RETURN; END IF;

    -- The series' time zone decides the business date, and the clock is read as late as can be.
    business_date := coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE series.time_zone)::date);

    -- A retry finds its number here, and does not queue behind somebody's payment for it.
    IF p_document > '' THEN
        SELECT e.id INTO entry_id FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series.id AND e.document = p_document AND e.document > '';
        IF FOUND THEN outcome := 'existing'; RETURN; END IF;
    END IF;

    -- UPDATE takes the lock by itself: a SELECT … FOR UPDATE before it would cost one more WAL record for each number.
    UPDATE ledger_period p
    SET last_value = p.last_value + 1,
        last_issued_on = CASE WHEN series.chronological THEN business_date ELSE p.last_issued_on END
    WHERE p.id = (SELECT q.id FROM ledger_period q
                  WHERE q.tenant = p_tenant AND q.series_id = series.id AND q.starts_on <= business_date
                  ORDER BY q.starts_on DESC LIMIT 1)
      AND p.ends_on >= business_date
      AND p.closed_at IS NULL
      AND p.last_value < p.max_value
      AND (NOT series.chronological OR p.last_issued_on IS NULL OR p.last_issued_on <= business_date)
    RETURNING p.* INTO period;
    IF NOT FOUND THEN
        outcome := ledger_refusal(p_tenant, series.id, business_date, 1);
        RETURN;
    END IF;

    -- Under the lock the ledger holds still, so look again: the document may have come in on another connection while
    -- this one waited. (ON CONFLICT would find that too, at the price of a speculative insertion each time.)
    IF p_document > '' THEN
        SELECT e.id INTO entry_id FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series.id AND e.document = p_document AND e.document > '';
        IF FOUND THEN
            UPDATE ledger_period p
            SET last_value = period.last_value - 1,
                last_issued_on = CASE WHEN series.chronological THEN ledger_latest_date(p_tenant, period.id) END
            WHERE p.id = period.id;
            outcome := 'existing';
            RETURN;
        END IF;
    END IF;

    entry_value := period.last_value;
    entry_number := ledger_number(period.prefix, period.width, period.suffix, period.last_value);
    INSERT INTO ledger_entry AS e (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, series.id, period.id, entry_value, 'issued', entry_number, p_document, business_date, p_actor,
            p_metadata)
    RETURNING e.id, e.issued_at, e.transaction_id INTO entry_id, entry_issued_at, entry_transaction;
    outcome := 'issued';
    entry_series := series.id;
    entry_period := period.id;
    entry_issued_on := business_date;
END $$;

-- Why the period of a date gives out no number: the reasons in the order in which a person should hear them.
CREATE FUNCTION ledger_refusal(p_tenant text, p_series_id bigint, p_on date, p_count bigint) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT CASE WHEN p.closed_at IS NOT NULL THEN 'closed'
                    WHEN s.chronological AND p.last_issued_on > p_on THEN 'out_of_order'
                    WHEN p.last_value + p_count > p.max_value THEN 'exhausted'
                    ELSE 'try_again' END
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
        WHERE p.tenant = p_tenant AND p.series_id = p_series_id AND p_on BETWEEN p.starts_on AND p.ends_on
    ), 'no_period')
$$;

-- The latest business date in a period: what the chronology guard compares with. It reads the whole period, so the hot
-- path keeps the answer in last_issued_on while the guard is on.
CREATE FUNCTION ledger_latest_date(p_tenant text, p_period_id bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT max(e.issued_on) FROM ledger_entry e
    WHERE e.tenant = p_tenant AND e.period_id = p_period_id AND e.kind <> 'gap'
$$;

-- A contiguous block for the documents that have no number yet, in their order; one row for each document, in the order
-- given. A refusal is one row with its outcome and locks and changes nothing.
CREATE FUNCTION ledger_issue_serial_many(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb
) RETURNS TABLE (
    outcome text, business_date date, place bigint, entry_id bigint, entry_series bigint, entry_period bigint,
    entry_value bigint, entry_number text, entry_issued_on date, entry_issued_at timestamptz, entry_transaction bigint
) LANGUAGE plpgsql AS $$
DECLARE
    series ledger_series;
    period ledger_period;
    fresh text[];
    latest date;
BEGIN
    SELECT * INTO series FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    outcome := CASE WHEN series.id IS NULL THEN 'unknown'
                    WHEN NOT series.is_active THEN 'inactive'
                    WHEN series.allocation <> 'serial' THEN 'allocation' END;
    IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;

    latest := coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE series.time_zone)::date);
    business_date := latest;

    SELECT p.* INTO period FROM ledger_period p
    WHERE p.id = (SELECT q.id FROM ledger_period q
                  WHERE q.tenant = p_tenant AND q.series_id = series.id AND q.starts_on <= latest
                  ORDER BY q.starts_on DESC LIMIT 1)
      AND p.ends_on >= latest
      AND p.closed_at IS NULL
      AND (NOT series.chronological OR p.last_issued_on IS NULL OR p.last_issued_on <= latest)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := ledger_refusal(p_tenant, series.id, latest, 1);
        RETURN NEXT; RETURN;
    END IF;

    -- Under the lock, so that a concurrent call for the same documents is seen.
    SELECT array_agg(d.document ORDER BY d.ordinality) INTO fresh
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    WHERE NOT EXISTS (SELECT FROM ledger_entry e
                      WHERE e.tenant = p_tenant AND e.series_id = series.id AND e.document = d.document
                        AND e.document > '');
    IF period.last_value + coalesce(cardinality(fresh), 0) > period.max_value THEN
        outcome := 'exhausted';
        RETURN NEXT; RETURN;
    END IF;

    IF fresh IS NOT NULL THEN
        UPDATE ledger_period p
        SET last_value = period.last_value + cardinality(fresh), 
            last_issued_on = CASE WHEN series.chronological THEN latest ELSE period.last_issued_on END
        WHERE p.id = period.id;
    END IF;

    RETURN QUERY
    WITH block AS (
        INSERT INTO ledger_entry AS e
            (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
        SELECT p_tenant, series.id, period.id, period.last_value + d.ordinality, 'issued',
               ledger_number(period.prefix, period.width, period.suffix, period.last_value + d.ordinality),
               d.document, latest, p_actor, p_metadata
        FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
        RETURNING e.id, e.series_id, e.period_id, e.value, e.number, e.document, e.issued_on, e.issued_at,
                  e.transaction_id
    )
    SELECT CASE WHEN b.id IS NULL THEN 'existing' ELSE 'issued' END, latest, d.ordinality, b.id, b.series_id,
           b.period_id, b.value, b.number::text, b.issued_on, b.issued_at, b.transaction_id
    FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
    LEFT JOIN block b ON b.document = d.document
    ORDER BY d.ordinality;
END $$;
