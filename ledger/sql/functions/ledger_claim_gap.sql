-- A hole is not yet a gap, because its checkout may still be running. To flag it is to claim its value in the ledger, as
-- issuing does: in the same unique index, without waiting for anybody. The first to claim the value has it for ever.
--
-- Flags one value, and removes its reservation or slot; a value without either only with p_lost. Returns 'flagged';
-- 'in_flight' if a checkout holds it; 'settled' if it has an entry by now; 'missing' if it has neither reservation nor
-- slot (it is lost, which is no gap); 'kept' for a slot that the next checkout takes; 'closed'.
CREATE OR REPLACE FUNCTION ledger_claim_gap(
    p_tenant text, p_period bigint, p_value bigint, p_cause text, p_actor text, p_lost boolean
) RETURNS text LANGUAGE plpgsql
-- Don't wait for a checkout that holds the value; it has won.
SET lock_timeout = '5ms' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period record;
    reservation record;
    reserved_on date;
    day date;
    gives_back boolean;
    evidence jsonb;
    flagged boolean;
BEGIN
    PERFORM ledger_refuse_foreign(p_tenant);
    SELECT p.tenant, p.series_id, p.starts_on, p.ends_on, p.closed_at INTO period
    FROM ledger_period p WHERE p.id = p_period;
    IF period.tenant IS DISTINCT FROM p_tenant THEN RETURN 'missing'; END IF;
    IF period.closed_at IS NOT NULL THEN RETURN 'closed'; END IF;
    SELECT (clock_timestamp() AT TIME ZONE s.time_zone)::date, s.give_back INTO day, gives_back
    FROM ledger_series s WHERE s.id = period.series_id;

    SELECT r.id, r.issued_on INTO reservation FROM ledger_reservation r
    WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value FOR UPDATE;
    IF FOUND THEN
        reserved_on := reservation.issued_on;
        evidence := ledger_evidence(reservation.id, p_cause);
    ELSE
        PERFORM FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value FOR UPDATE;
        IF FOUND AND NOT p_lost AND (gives_back OR NOT EXISTS (
            -- Above the highest number no checkout has left a slot behind.
            SELECT FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.value > p_value)) THEN
            RETURN 'kept';
        END IF;
        IF NOT FOUND THEN
            IF ledger_value_is_kept(p_tenant, p_period, p_value) THEN RETURN 'settled'; END IF;
            IF NOT p_lost THEN RETURN 'missing'; END IF;
            -- Nothing else prevents that the period is closed in the meantime.
            PERFORM FROM ledger_period p WHERE p.id = p_period AND p.closed_at IS NULL FOR SHARE;
            IF NOT FOUND THEN RETURN 'closed'; END IF;
        END IF;
        evidence := jsonb_build_object('cause', p_cause) || ledger_draft_evidence(p_tenant, p_period, p_value);
    END IF;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, period.series_id, p_period, p_value, 'gap',
            ledger_gap_number(p_tenant, p_period, p_value, reserved_on), '',
            coalesce(reserved_on, greatest(least(day, period.ends_on), period.starts_on)), p_actor, evidence)
    ON CONFLICT DO NOTHING;
    flagged := FOUND;
    DELETE FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value;
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value;
    RETURN CASE WHEN flagged THEN 'flagged' ELSE 'settled' END;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    RETURN 'in_flight';
END $$;
