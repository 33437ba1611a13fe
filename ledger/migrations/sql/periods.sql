-- Guards of the counters.

-- No two periods of a series share a day, and none ends before it begins, since that is no range. Written on integers,
-- "series times 2^23 plus the day's number", because that needs no extension (btree_gist is not everywhere), and a day's
-- number stays below 2^22 up to the year 9999.
ALTER TABLE ledger_period ADD CONSTRAINT ledger_period_no_overlap EXCLUDE USING gist (
    int8range(series_id * 8388608 + (starts_on - DATE '0001-01-01'),
              series_id * 8388608 + (ends_on - DATE '0001-01-01'), '[]') WITH &&
);

CREATE FUNCTION ledger_period_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- The hot path raises last_value alone, so it must pass these triggers cheaply. Hence column lists; one comparison for a
-- condition, since PostgreSQL reads it anew in every statement (a counter raised too far, or in a closed period, gives
-- out nothing: ledger_entry_fits refuses, and ledger_verify tells); and AFTER, since a BEFORE row trigger locks the row
-- in a WAL record of its own.
CREATE TRIGGER ledger_period_guard_counter AFTER UPDATE OF last_value ON ledger_period FOR EACH ROW
    WHEN (NEW.last_value < OLD.last_value)
    EXECUTE FUNCTION ledger_period_guard();
CREATE TRIGGER ledger_period_guard_format
    AFTER UPDATE OF tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, max_value, closed_at
    ON ledger_period FOR EACH ROW EXECUTE FUNCTION ledger_period_guard();
CREATE TRIGGER ledger_period_guard_delete AFTER DELETE ON ledger_period FOR EACH ROW
    EXECUTE FUNCTION ledger_period_guard();
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_guard_counter;
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_guard_format;
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_guard_delete;

-- A series' tenant and code are what every entry was issued under.
CREATE FUNCTION ledger_series_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_period p WHERE p.series_id = OLD.id) THEN
        RAISE EXCEPTION 'series % has periods, so its tenant and code cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_series_guard_update AFTER UPDATE ON ledger_series FOR EACH ROW
    WHEN ((NEW.tenant, NEW.code) IS DISTINCT FROM (OLD.tenant, OLD.code))
    EXECUTE FUNCTION ledger_series_guard();
ALTER TABLE ledger_series ENABLE ALWAYS TRIGGER ledger_series_guard_update;

-- A period is of its series' tenant, since every unique index begins with it; and its counter is within its bounds.
CREATE FUNCTION ledger_period_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_series s WHERE s.id = NEW.series_id AND s.tenant = NEW.tenant) THEN
        RAISE EXCEPTION 'series % is not of tenant %', NEW.series_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.width < 1 OR NEW.last_value NOT BETWEEN NEW.first_value - 1 AND NEW.max_value THEN
        RAISE EXCEPTION 'the period''s counter or width is out of range: % from % to %, % digits',
            NEW.last_value, NEW.first_value, NEW.max_value, NEW.width USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_period_fits AFTER INSERT ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_period_fits();
CREATE TRIGGER ledger_period_fits_update AFTER UPDATE OF tenant, series_id, width ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_period_fits();
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_fits;
ALTER TABLE ledger_period ENABLE ALWAYS TRIGGER ledger_period_fits_update;
