-- The guard of the counters as it was before there were queues (periods.sql).
CREATE OR REPLACE FUNCTION ledger_period_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'period % is closed and cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.last_value NOT BETWEEN NEW.first_value - 1 AND NEW.max_value THEN
        RAISE EXCEPTION 'the counter of period % may not stand at %: it runs from % to %',
            OLD.id, NEW.last_value, NEW.first_value, NEW.max_value USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.last_value < OLD.last_value AND EXISTS (
        SELECT FROM ledger_entry e
        WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id AND e.value > NEW.last_value
    ) THEN
        RAISE EXCEPTION 'the counter of period % may not fall from % to %, below its highest entry',
            OLD.id, OLD.last_value, NEW.last_value USING ERRCODE = 'restrict_violation';
    END IF;
    IF (TG_OP = 'DELETE'
        OR (NEW.tenant, NEW.series_id, NEW.starts_on, NEW.ends_on, NEW.prefix, NEW.width, NEW.suffix, NEW.first_value)
           IS DISTINCT FROM
           (OLD.tenant, OLD.series_id, OLD.starts_on, OLD.ends_on, OLD.prefix, OLD.width, OLD.suffix, OLD.first_value))
        AND EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id) THEN
        RAISE EXCEPTION 'period % has entries: its dates, format and first value cannot change, nor can it go', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION %I.ledger_period_guard() SET search_path = %I, pg_temp',
                   current_schema(), current_schema());
END $$;

DROP TRIGGER ledger_append_only_table ON ledger_holereported;
DROP TRIGGER ledger_append_only_rows ON ledger_holereported;
DROP TRIGGER ledger_reservation_is_kept ON ledger_reservation;
DROP TRIGGER ledger_slot_is_kept ON ledger_slot;
DROP FUNCTION ledger_unqueued_is_kept();
DROP TRIGGER ledger_reservation_stays ON ledger_reservation;
DROP TRIGGER ledger_slot_stays ON ledger_slot;
DROP FUNCTION ledger_refuse_update();
DROP TRIGGER ledger_reservation_fits ON ledger_reservation;
DROP TRIGGER ledger_slot_fits ON ledger_slot;
DROP FUNCTION ledger_queued_fits();
