-- Gaps: a hole is not yet a gap, since its checkout may still be running. To flag it is to claim its value in the ledger, as
-- issuing does: in the same unique index, waiting for nobody. Whoever comes first has the value, for ever.

-- What became of a transaction, as evidence: 'committed', 'aborted', 'in progress', or null where PostgreSQL has forgotten.
-- It proves nothing by itself: it says 'committed' where only a savepoint was rolled back, and after a crash an id that left
-- nothing durable is given out again.
CREATE FUNCTION ledger_transaction_status(p_transaction bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_xact_status(p_transaction::text::xid8);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL;  -- an id that was not given out yet: it was lost in a crash
END $$;

-- The evidence of a reservation, for the entry of its gap.
CREATE FUNCTION ledger_evidence(p_reservation ledger_reservation, p_cause text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'cause', p_cause,
        'reservation', jsonb_build_object(
            'id', (p_reservation).id,
            'reserved_at', (p_reservation).reserved_at,
            'document', (p_reservation).document,
            'actor', (p_reservation).actor,
            'transaction', (p_reservation).checkout_transaction_id,
            'transaction_status', ledger_transaction_status((p_reservation).checkout_transaction_id)))
$$;

-- Flag one value as a gap, with the reservation or slot that waited for it. 'flagged'; 'in_flight' where a checkout holds
-- it; 'settled' where it has an entry by now; 'missing' where nothing waits for it (that is no gap but a loss, unless
-- p_cause is 'lost'); 'closed'.
CREATE FUNCTION ledger_flag_gap(p_tenant text, p_period bigint, p_value bigint, p_cause text, p_actor text)
RETURNS text LANGUAGE plpgsql
-- A checkout that holds the value is not waited for; it has won.
SET lock_timeout = '5ms' SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    period ledger_period;
    reservation ledger_reservation;
    day date;
    evidence jsonb;
    flagged boolean;
BEGIN
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    IF period.tenant IS DISTINCT FROM p_tenant THEN RETURN 'missing'; END IF;
    IF period.closed_at IS NOT NULL THEN RETURN 'closed'; END IF;
    SELECT (clock_timestamp() AT TIME ZONE s.time_zone)::date INTO day FROM ledger_series s WHERE s.id = period.series_id;

    SELECT * INTO reservation FROM ledger_reservation r
    WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value FOR UPDATE;
    IF FOUND THEN
        day := reservation.issued_on;
        evidence := ledger_evidence(reservation, p_cause);
    ELSE
        PERFORM FROM ledger_slot s
        WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value FOR UPDATE;
        IF NOT FOUND AND p_cause <> 'lost' THEN
            RETURN CASE WHEN (SELECT e.value FROM ledger_entry e
                              WHERE e.tenant = p_tenant AND e.period_id = p_period AND e.value >= p_value
                              ORDER BY e.value LIMIT 1) = p_value
                        THEN 'settled' ELSE 'missing' END;
        END IF;
        evidence := jsonb_build_object('cause', p_cause);
    END IF;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
    VALUES (p_tenant, period.series_id, p_period, p_value, 'gap',
            ledger_number(period.prefix, period.width, period.suffix, p_value), '',
            greatest(least(day, period.ends_on), period.starts_on), p_actor, evidence)
    ON CONFLICT DO NOTHING;
    flagged := FOUND;
    DELETE FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.value = p_value;
    DELETE FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value = p_value;
    RETURN CASE WHEN flagged THEN 'flagged' ELSE 'settled' END;
EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
    RETURN 'in_flight';
END $$;

-- Settle what waits in a period that is about to be closed, or whose series is about to change its allocation. The caller
-- holds the period's row, so nothing new is minted or reserved. Waits for the checkouts that hold values. Then slots above
-- the highest number were never given to anyone: they go, and the counter falls. Reservations, and slots below, become
-- gaps. Returns how many.
CREATE FUNCTION ledger_settle_period(p_tenant text, p_period bigint, p_cause text, p_actor text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    period ledger_period;
    highest bigint;
    day date;
    flagged bigint;
BEGIN
    -- Slots go before the counter falls, which is in order at the end.
    SET CONSTRAINTS ledger_slot_is_kept DEFERRED;
    -- Each of these waits until its checkout has ended; afterwards a new statement sees what it did.
    PERFORM FROM ledger_slot s WHERE s.tenant = p_tenant AND s.period_id = p_period ORDER BY s.value FOR UPDATE;
    PERFORM FROM ledger_reservation r WHERE r.tenant = p_tenant AND r.period_id = p_period ORDER BY r.value FOR UPDATE;
    SELECT * INTO period FROM ledger_period p WHERE p.id = p_period;
    SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, period.ends_on), period.starts_on)
    INTO day FROM ledger_series s WHERE s.id = period.series_id;
    SELECT greatest((SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = p_tenant AND e.period_id = p_period),
                    (SELECT max(r.value) FROM ledger_reservation r
                     WHERE r.tenant = p_tenant AND r.period_id = p_period))
    INTO highest;

    INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, issued_on, actor, metadata, document)
    SELECT p_tenant, period.series_id, p_period, w.value, 'gap',
           ledger_number(period.prefix, period.width, period.suffix, w.value), w.issued_on, p_actor, w.evidence, ''
    FROM (SELECT r.value, r.issued_on, ledger_evidence(r, p_cause) AS evidence FROM ledger_reservation r
          WHERE r.tenant = p_tenant AND r.period_id = p_period
          UNION ALL
          SELECT s.value, day, jsonb_build_object('cause', p_cause) FROM ledger_slot s
          WHERE s.tenant = p_tenant AND s.period_id = p_period AND s.value < highest) w
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
