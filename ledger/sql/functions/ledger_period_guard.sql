-- Refuses forbidden changes of a period. Its counter may not fall below a waiting value, and a period with waiting
-- values can't be closed.
CREATE OR REPLACE FUNCTION ledger_period_guard() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'period % is closed and cannot change', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.last_value NOT BETWEEN NEW.first_value - 1 AND NEW.max_value THEN
        RAISE EXCEPTION 'the counter of period % cannot be %: it runs from % to %',
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
    IF OLD.ordinal > 0 AND NOT ledger_is_moving(OLD.tenant) AND (TG_OP = 'DELETE'
        OR (NEW.tenant, NEW.series_id, NEW.starts_on, NEW.ends_on, NEW.ordinal, NEW.prefix, NEW.width, NEW.suffix,
            NEW.first_value, NEW.max_value, NEW.cut_short)
           IS DISTINCT FROM
           (OLD.tenant, OLD.series_id, OLD.starts_on, OLD.ends_on, OLD.ordinal, OLD.prefix, OLD.width, OLD.suffix,
            OLD.first_value, OLD.max_value, OLD.cut_short)) THEN
        RAISE EXCEPTION 'period % is an authorised range, which cannot change', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    -- A form may end early only if no number has a later day.
    IF TG_OP = 'UPDATE' AND NEW.cut_short AND NEW.ends_on < OLD.ends_on THEN
        IF EXISTS (SELECT FROM ledger_entry e
                   WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id AND e.issued_on > NEW.ends_on)
            OR EXISTS (SELECT FROM ledger_reservation r
                       WHERE r.tenant = OLD.tenant AND r.period_id = OLD.id AND r.issued_on > NEW.ends_on) THEN
            RAISE EXCEPTION 'period % has numbers of days after %', OLD.id, NEW.ends_on
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_period_days', TABLE = 'ledger_period';
        END IF;
        OLD.ends_on := NEW.ends_on;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.cut_short AND NOT NEW.cut_short THEN
        RAISE EXCEPTION 'the form of period % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF (TG_OP = 'DELETE'
        OR (NEW.tenant, NEW.series_id, NEW.starts_on, NEW.ends_on, NEW.ordinal, NEW.prefix, NEW.width, NEW.suffix,
            NEW.first_value)
           IS DISTINCT FROM
           (OLD.tenant, OLD.series_id, OLD.starts_on, OLD.ends_on, OLD.ordinal, OLD.prefix, OLD.width, OLD.suffix,
            OLD.first_value))
        AND (EXISTS (SELECT FROM ledger_entry e WHERE e.tenant = OLD.tenant AND e.period_id = OLD.id)
             OR EXISTS (SELECT FROM ledger_slot s WHERE s.tenant = OLD.tenant AND s.period_id = OLD.id)
             OR EXISTS (SELECT FROM ledger_reservation r WHERE r.tenant = OLD.tenant AND r.period_id = OLD.id)) THEN
        RAISE EXCEPTION 'period % has entries: its dates, format and first value cannot change, and it cannot be deleted',
            OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.has_drafts AND NOT NEW.has_drafts THEN
        RAISE EXCEPTION 'period % has drafts, which number its values', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
