-- For every writer: a declaration names values that no document has and none ever will: flagged gaps, ranges of an
-- adopted history, the lapsed end of an authorised range, all in one period of its tenant. These never change, so a
-- declaration can't become wrong later.
CREATE OR REPLACE FUNCTION ledger_declaration_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    borne text;
    missing numeric;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_period p WHERE p.id = NEW.period_id AND p.tenant = NEW.tenant) THEN
        RAISE EXCEPTION 'period % does not belong to tenant %', NEW.period_id, quote_literal(NEW.tenant)
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
    SELECT (SELECT count(*)::numeric FROM ledger_entry e
            WHERE e.tenant = NEW.tenant AND e.period_id = NEW.period_id
              AND e.value BETWEEN NEW.first_value AND NEW.last_value)
         + (SELECT coalesce(sum(least(g.last_value, NEW.last_value) - greatest(g.first_value, NEW.first_value) + 1), 0)
            FROM ledger_adoptedgap g
            WHERE g.tenant = NEW.tenant AND g.period_id = NEW.period_id
              AND g.first_value <= NEW.last_value AND g.last_value >= NEW.first_value)
         + (SELECT coalesce(sum(least(l.last_value, NEW.last_value) - greatest(l.first_value, NEW.first_value) + 1), 0)
            FROM ledger_rangelapsed l JOIN ledger_authorisedrange a ON a.id = l.authorised_id
            WHERE l.tenant = NEW.tenant AND a.period_id = NEW.period_id
              AND l.first_value <= NEW.last_value AND l.last_value >= NEW.first_value)
    INTO missing;
    IF missing <> NEW.last_value::numeric - NEW.first_value::numeric + 1::numeric THEN
        RAISE EXCEPTION 'of the values % to % only % are known to be missing', NEW.first_value, NEW.last_value, missing
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
