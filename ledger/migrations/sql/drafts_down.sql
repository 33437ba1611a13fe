-- The functions as they were before there were drafts (events.sql, gaps.sql).
CREATE OR REPLACE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
    period ledger_period;
BEGIN
    -- Found by its key alone: with more conditions to choose from, the planner may take an index that reads every
    -- period of the series.
    SELECT (NEW.kind IN ('issued', 'adopted') OR (NEW.kind = 'gap' AND NEW.document = ''))
       AND p.tenant = NEW.tenant AND p.series_id = NEW.series_id AND p.closed_at IS NULL
       AND NEW.value BETWEEN p.first_value AND p.last_value
       AND NEW.issued_on BETWEEN p.starts_on AND p.ends_on
       AND (NEW.kind = 'adopted' OR NEW.number = ledger_number(p.prefix, p.width, p.suffix, NEW.value))
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits THEN
        RETURN NEW;
    END IF;
    SELECT * INTO period FROM ledger_period p WHERE p.id = NEW.period_id;
    RAISE EXCEPTION 'the entry for value % does not fit: %', NEW.value, CASE
        WHEN period.id IS NULL THEN 'its period does not exist'
        WHEN period.tenant <> NEW.tenant OR period.series_id <> NEW.series_id
            THEN 'its period is of another tenant or series'
        WHEN period.closed_at IS NOT NULL THEN 'its period is closed'
        WHEN NEW.value NOT BETWEEN period.first_value AND period.last_value
            THEN 'the counter never gave out that value'
        WHEN NEW.issued_on NOT BETWEEN period.starts_on AND period.ends_on
            THEN 'its date lies outside the period'
        WHEN NEW.kind NOT IN ('issued', 'adopted', 'gap') THEN 'its kind is unknown'
        WHEN NEW.kind = 'gap' AND NEW.document > '' THEN 'no document bears a gap'
        ELSE 'its number is not of the period''s format' END
        USING ERRCODE = 'check_violation';
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION %I.ledger_entry_fits() SET search_path = %I, pg_temp',
                   current_schema(), current_schema());
END $$;
CREATE OR REPLACE FUNCTION ledger_flag_gap(p_tenant text, p_period bigint, p_value bigint, p_cause text, p_actor text)
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
CREATE OR REPLACE FUNCTION ledger_settle_period(p_tenant text, p_period bigint, p_cause text, p_actor text) RETURNS bigint
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

DROP TRIGGER ledger_period_keeps_drafts ON ledger_period;
DROP FUNCTION ledger_period_keeps_drafts();
DROP TRIGGER ledger_draft_fits ON ledger_draftmade;
DROP FUNCTION ledger_draft_fits();
DROP FUNCTION ledger_draft_evidence(ledger_draftmade);
DROP FUNCTION ledger_drafted(text, bigint, bigint);
DROP TRIGGER ledger_append_only_table ON ledger_draftcancelled;
DROP TRIGGER ledger_append_only_rows ON ledger_draftcancelled;
DROP TRIGGER ledger_append_only_table ON ledger_draftmade;
DROP TRIGGER ledger_append_only_rows ON ledger_draftmade;
