-- Guards of the queues. A value waits in one of them from the moment the counter gave it out until its entry is appended,
-- so that at every moment each value is accounted for.

-- Here and in all functions that look into a queue: its statistics are always old, since it fills and empties within
-- moments. Whatever the planner believes of it, one probe of the right index is the way; hence enable_seqscan = off.
-- And whether a value has an entry is asked in the order of the one index that is right: while a ledger is small, any
-- index is as good as another to the planner, and it keeps a plan that reads all numbers of a tenant.

-- A value is queued once the counter gave it out, while its period is open, and while no entry has it.
CREATE FUNCTION ledger_queued_fits() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    fits boolean;
BEGIN
    -- Found by its key alone, as in ledger_entry_fits.
    SELECT p.tenant = NEW.tenant AND p.closed_at IS NULL AND NEW.value BETWEEN p.first_value AND p.last_value
    INTO fits FROM ledger_period p WHERE p.id = NEW.period_id;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION 'the value % can''t wait in %: its period % is closed or of another tenant, or never gave it out',
            NEW.value, TG_TABLE_NAME, NEW.period_id USING ERRCODE = 'check_violation';
    END IF;
    IF (SELECT e.value FROM ledger_entry e
        WHERE e.tenant = NEW.tenant AND e.period_id = NEW.period_id AND e.value >= NEW.value
        ORDER BY e.value LIMIT 1) = NEW.value THEN
        RAISE EXCEPTION 'the value % of period % has an entry, so it can''t wait in %',
            NEW.value, NEW.period_id, TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_slot_fits BEFORE INSERT ON ledger_slot
    FOR EACH ROW EXECUTE FUNCTION ledger_queued_fits();
CREATE TRIGGER ledger_reservation_fits BEFORE INSERT ON ledger_reservation
    FOR EACH ROW EXECUTE FUNCTION ledger_queued_fits();
ALTER TABLE ledger_slot ENABLE ALWAYS TRIGGER ledger_slot_fits;
ALTER TABLE ledger_reservation ENABLE ALWAYS TRIGGER ledger_reservation_fits;

-- Locking a row needs the privilege to update it; changing it is nobody's business.
CREATE FUNCTION ledger_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a queue: its rows come and go, and don''t change', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_slot_stays BEFORE UPDATE ON ledger_slot
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_update();
CREATE TRIGGER ledger_reservation_stays BEFORE UPDATE ON ledger_reservation
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_update();
ALTER TABLE ledger_slot ENABLE ALWAYS TRIGGER ledger_slot_stays;
ALTER TABLE ledger_reservation ENABLE ALWAYS TRIGGER ledger_reservation_stays;

-- A value that left its queue has an entry, or the counter fell below it (when a pool is given back): else the row was
-- deleted by someone who shouldn't, and the value would be lost. Asked at COMMIT, since the entry comes after.
CREATE FUNCTION ledger_unqueued_is_kept() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF (SELECT e.value FROM ledger_entry e
        WHERE e.tenant = OLD.tenant AND e.period_id = OLD.period_id AND e.value >= OLD.value
        ORDER BY e.value LIMIT 1) = OLD.value THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM ledger_period p WHERE p.id = OLD.period_id AND p.last_value >= OLD.value)
        AND NOT EXISTS (SELECT FROM ledger_slot s
                        WHERE s.tenant = OLD.tenant AND s.period_id = OLD.period_id AND s.value = OLD.value)
        AND NOT EXISTS (SELECT FROM ledger_reservation r
                        WHERE r.tenant = OLD.tenant AND r.period_id = OLD.period_id AND r.value = OLD.value) THEN
        RAISE EXCEPTION 'the value % of period % left % without an entry, so it would be lost',
            OLD.value, OLD.period_id, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_slot_is_kept AFTER DELETE ON ledger_slot DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept();
CREATE CONSTRAINT TRIGGER ledger_reservation_is_kept AFTER DELETE ON ledger_reservation DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept();
ALTER TABLE ledger_slot ENABLE ALWAYS TRIGGER ledger_slot_is_kept;
ALTER TABLE ledger_reservation ENABLE ALWAYS TRIGGER ledger_reservation_is_kept;

-- A report of a hole is an event like the others.
CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_holereported
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_holereported
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_holereported ENABLE ALWAYS TRIGGER ledger_append_only_rows;
ALTER TABLE ledger_holereported ENABLE ALWAYS TRIGGER ledger_append_only_table;

-- A queue's counter may not fall below a value that waits, and a period isn't closed over one.
CREATE OR REPLACE FUNCTION ledger_period_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'period % is closed and cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.last_value NOT BETWEEN NEW.first_value - 1 AND NEW.max_value THEN
        RAISE EXCEPTION 'the counter of period % may not stand at %: it runs from % to %',
            OLD.id, NEW.last_value, NEW.first_value, NEW.max_value USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.last_value < OLD.last_value AND (
        EXISTS (SELECT FROM ledger_entry e
                WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id AND e.value > NEW.last_value)
        OR EXISTS (SELECT FROM ledger_slot s
                   WHERE s.tenant = OLD.tenant AND s.period_id = OLD.id AND s.value > NEW.last_value)
        OR EXISTS (SELECT FROM ledger_reservation r
                   WHERE r.tenant = OLD.tenant AND r.period_id = OLD.id AND r.value > NEW.last_value)
    ) THEN
        RAISE EXCEPTION 'the counter of period % may not fall from % to %, below its highest entry or waiting value',
            OLD.id, OLD.last_value, NEW.last_value USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.closed_at IS NOT NULL AND (
        EXISTS (SELECT FROM ledger_slot s WHERE s.tenant = OLD.tenant AND s.period_id = OLD.id)
        OR EXISTS (SELECT FROM ledger_reservation r WHERE r.tenant = OLD.tenant AND r.period_id = OLD.id)
    ) THEN
        RAISE EXCEPTION 'period % has values that wait to be taken, so it cannot be closed', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (TG_OP = 'DELETE'
        OR (NEW.tenant, NEW.series_id, NEW.starts_on, NEW.ends_on, NEW.prefix, NEW.width, NEW.suffix, NEW.first_value)
           IS DISTINCT FROM
           (OLD.tenant, OLD.series_id, OLD.starts_on, OLD.ends_on, OLD.prefix, OLD.width, OLD.suffix, OLD.first_value))
        AND (EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id)
             OR EXISTS (SELECT FROM ledger_slot s WHERE s.tenant = OLD.tenant AND s.period_id = OLD.id)
             OR EXISTS (SELECT FROM ledger_reservation r WHERE r.tenant = OLD.tenant AND r.period_id = OLD.id)) THEN
        RAISE EXCEPTION 'period % has entries: its dates, format and first value cannot change, nor can it go', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

-- As in search_path.sql: a guard looks into its own schema, and never at a temporary table of the session.
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['ledger_queued_fits', 'ledger_unqueued_is_kept', 'ledger_period_guard']
    LOOP
        EXECUTE format('ALTER FUNCTION %I.%I() SET search_path = %I, pg_temp', current_schema(), guard, current_schema());
    END LOOP;
END $$;
