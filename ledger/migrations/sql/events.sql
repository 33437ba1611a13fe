-- Append-only: an event never changes and never goes away. A row trigger alone lets TRUNCATE through, and an ordinary
-- trigger is silent under session_replication_role = replica: hence two triggers for each table, both ENABLE ALWAYS.

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              HINT = 'Append another event: void the number, or explain the gap.';
END $$;

DO $$
DECLARE
    event_table text;
BEGIN
    FOREACH event_table IN ARRAY ARRAY['ledger_entry', 'ledger_numbervoided', 'ledger_adoption', 'ledger_adoptedgap',
                                       'ledger_gapexplained']
    LOOP
        EXECUTE format('CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()', event_table);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only_rows', event_table);
        EXECUTE format('CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()', event_table);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only_table', event_table);
    END LOOP;
END $$;

-- The number of a value. Never plain lpad, which cuts 10000 to four digits.
CREATE FUNCTION ledger_number(prefix text, width integer, suffix text, value bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN prefix || lpad(value::text, greatest(width, length(value::text)), '0') || suffix;

-- Whatever wrote it, an entry fits its period: same tenant and series, an open period, a value that the counter gave
-- out, a date inside, and the period's own format. (A statement trigger with a transition table costs six times as
-- much.) One look says whether all is well; only a misfit is read column by column, to say why.
CREATE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER ledger_entry_fits BEFORE INSERT ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_fits();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits;

-- A void names one issued or adopted number of the same tenant.
CREATE FUNCTION ledger_void_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entry e
                   WHERE e.id = NEW.entry_id AND e.tenant = NEW.tenant AND e.kind IN ('issued', 'adopted')) THEN
        RAISE EXCEPTION 'entry % is no issued number of tenant %', NEW.entry_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_void_fits BEFORE INSERT ON ledger_numbervoided
    FOR EACH ROW EXECUTE FUNCTION ledger_void_fits();
ALTER TABLE ledger_numbervoided ENABLE ALWAYS TRIGGER ledger_void_fits;
