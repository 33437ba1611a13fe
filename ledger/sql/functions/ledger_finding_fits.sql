-- A finding is raised only when the one before it is resolved, so that at most one is unresolved; its entry has the same
-- tenant. If two comparisons run at once, the unique constraint gives the occurrence to one of them.
CREATE OR REPLACE FUNCTION ledger_finding_fits() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- While the table is small, the planner might choose any index, and it would keep that plan.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF ledger_is_moving(NEW.tenant) THEN RETURN NEW; END IF;
    IF NEW.entry_id IS NOT NULL
       AND (SELECT e.tenant FROM ledger_entry e WHERE e.id = NEW.entry_id) IS DISTINCT FROM NEW.tenant THEN
        RAISE EXCEPTION 'entry % does not belong to tenant %', NEW.entry_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.occurrence > 1 AND NOT EXISTS (
        SELECT FROM ledger_findingraised f
        JOIN ledger_findingresolved d ON d.tenant = f.tenant AND d.finding_id = f.id
        WHERE f.tenant = NEW.tenant AND f.system = NEW.system AND f.kind = NEW.kind AND f.subject = NEW.subject
          AND f.occurrence = NEW.occurrence - 1
    ) THEN
        RAISE EXCEPTION 'the finding % of % is not resolved, or was never raised, so it can''t be raised as occurrence %',
            NEW.kind, quote_literal(NEW.subject), NEW.occurrence USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
