-- Settle what waits in a period before it is closed, or before its series changes its allocation. The caller holds the
-- period's row, so nothing new is minted or reserved. This waits for the checkouts that hold values. Slots above the
-- highest number were never given to anyone: they are deleted, and the counter falls. Reservations, and slots below,
-- become gaps. So does every slot with a draft, because the accounting system has its number, which can never belong to
-- another value. Returns how many gaps.
CREATE OR REPLACE FUNCTION ledger_settle_period(p_tenant text, p_period bigint, p_cause text, p_actor text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    period record;
    highest bigint;
    day date;
    flagged bigint;
BEGIN
    -- Delete the slots before the counter falls; constraints are checked at the end.
    SET CONSTRAINTS ledger_slot_is_kept DEFERRED;
    -- Each of these locks waits until its checkout has ended; then a new statement sees what it did.
    PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period ORDER BY s.value FOR UPDATE;
    PERFORM FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period ORDER BY r.value FOR UPDATE;
    SELECT p.series_id, p.starts_on, p.ends_on, p.first_value, p.last_value INTO period
    FROM ledger_period p WHERE p.id = p_period;
    SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, period.ends_on), period.starts_on)
    INTO day FROM ledger_series s WHERE s.id = period.series_id;
    SELECT greatest((SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = p_tenant AND e.period_id = p_period),
                    (SELECT max(r.value) FROM ledger_reservation r
                     WHERE r.tenant = p_tenant AND r.period_id = p_period),
                    (SELECT max(d.value) FROM ledger_draftmade d
                     WHERE d.tenant = p_tenant AND d.period_id = p_period))
    INTO highest;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, issued_on, actor, metadata, document)
    SELECT p_tenant, period.series_id, p_period, w.value, 'gap',
           ledger_gap_number(p_tenant, p_period, w.value, w.reserved_on),
           coalesce(w.reserved_on, day), p_actor,
           w.evidence || ledger_draft_evidence(p_tenant, p_period, w.value), ''
    FROM (SELECT r.value, r.issued_on AS reserved_on, ledger_evidence(r.id, p_cause) AS evidence
          FROM ledger_reservation r
          WHERE r.tenant = p_tenant AND r.period_id = p_period
          UNION ALL
          SELECT s.value, NULL, jsonb_build_object('cause', p_cause) FROM ledger_slot s
          WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value <= highest) w
    ORDER BY w.value;
    GET DIAGNOSTICS flagged = ROW_COUNT;
    DELETE FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period;
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period;
    IF FOUND AND period.last_value > coalesce(highest, period.first_value - 1) THEN
        UPDATE ledger_period p SET last_value = coalesce(highest, period.first_value - 1) WHERE p.id = p_period;
    END IF;
    DELETE FROM ledger_pool l WHERE l.tenant = p_tenant AND l.period_id = p_period;
    RETURN flagged;
END $$;
