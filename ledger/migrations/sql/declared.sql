-- A declaration is an event like the others.
CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_gapdeclared
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_gapdeclared
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_gapdeclared ENABLE ALWAYS TRIGGER ledger_append_only_rows;
ALTER TABLE ledger_gapdeclared ENABLE ALWAYS TRIGGER ledger_append_only_table;

-- No value is declared twice to one authority. Written on numbers, "authority, then period, then value", each in decimal
-- places of its own (a bigint has 19), because that needs no extension; the authority by its hash.
ALTER TABLE ledger_gapdeclared ADD CONSTRAINT ledger_gapdeclared_no_overlap EXCLUDE USING gist (
    numrange(hashtextextended(authority, 0) * 1e40 + period_id * 1e20 + first_value,
             hashtextextended(authority, 0) * 1e40 + period_id * 1e20 + last_value, '[]') WITH &&
);

-- Whatever wrote it, a declaration names values that no document bears and none ever will: flagged gaps, or ranges of an
-- adopted history, all of one period of its tenant. Both are there for good, so nothing that comes later can make it wrong.
CREATE FUNCTION ledger_declaration_fits() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    borne text;
    missing numeric;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_period p WHERE p.id = NEW.period_id AND p.tenant = NEW.tenant) THEN
        RAISE EXCEPTION 'period % is none of tenant %', NEW.period_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT e.number INTO borne FROM ledger_entry e
    WHERE e.tenant = NEW.tenant AND e.period_id = NEW.period_id AND e.value BETWEEN NEW.first_value AND NEW.last_value
      AND e.kind <> 'gap'
    ORDER BY e.value LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the number % is used, so it can''t be declared as missing', borne
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT (SELECT count(*) FROM ledger_entry e
            WHERE e.tenant = NEW.tenant AND e.period_id = NEW.period_id
              AND e.value BETWEEN NEW.first_value AND NEW.last_value)
         + (SELECT coalesce(sum(least(g.last_value, NEW.last_value) - greatest(g.first_value, NEW.first_value) + 1), 0)
            FROM ledger_adoptedgap g
            WHERE g.tenant = NEW.tenant AND g.period_id = NEW.period_id
              AND g.first_value <= NEW.last_value AND g.last_value >= NEW.first_value)
    INTO missing;
    IF missing <> NEW.last_value::numeric - NEW.first_value + 1 THEN
        RAISE EXCEPTION 'of the values % to % only % are known to be missing', NEW.first_value, NEW.last_value, missing
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_declaration_fits BEFORE INSERT ON ledger_gapdeclared
    FOR EACH ROW EXECUTE FUNCTION ledger_declaration_fits();
ALTER TABLE ledger_gapdeclared ENABLE ALWAYS TRIGGER ledger_declaration_fits;

-- It sees the tables of its own schema alone; see search_path.sql.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION %I.ledger_declaration_fits() SET search_path = %I, pg_temp',
                   current_schema(), current_schema());
END $$;
