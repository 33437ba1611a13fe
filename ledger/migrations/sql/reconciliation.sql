-- Reconciliation: findings are events like the others.
DO $$
DECLARE
    event_table text;
BEGIN
    FOREACH event_table IN ARRAY ARRAY['ledger_findingraised', 'ledger_findingresolved', 'ledger_findingacknowledged']
    LOOP
        EXECUTE format('CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON %I'
                       ' FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()', event_table);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only_rows', event_table);
        EXECUTE format('CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()', event_table);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only_table', event_table);
    END LOOP;
END $$;

-- A finding is raised when the one before it is resolved, so that one at most is open; its entry is of its own tenant.
-- Two comparisons at once: the unique constraint lets one of them have the occurrence.
CREATE FUNCTION ledger_finding_fits() RETURNS trigger LANGUAGE plpgsql
-- As in queues.sql: while the table is small, any index is as good as another to the planner, and it would keep the plan.
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF NEW.entry_id IS NOT NULL
       AND (SELECT e.tenant FROM ledger_entry e WHERE e.id = NEW.entry_id) IS DISTINCT FROM NEW.tenant THEN
        RAISE EXCEPTION 'entry % is not of tenant %', NEW.entry_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.occurrence > 1 AND NOT EXISTS (
        SELECT FROM ledger_findingraised f
        JOIN ledger_findingresolved d ON d.tenant = f.tenant AND d.finding_id = f.id
        WHERE f.tenant = NEW.tenant AND f.system = NEW.system AND f.kind = NEW.kind AND f.subject = NEW.subject
          AND f.occurrence = NEW.occurrence - 1
    ) THEN
        RAISE EXCEPTION 'the finding % of % is open, or was never raised, so it can''t be raised as occurrence %',
            NEW.kind, quote_literal(NEW.subject), NEW.occurrence USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_finding_fits BEFORE INSERT ON ledger_findingraised
    FOR EACH ROW EXECUTE FUNCTION ledger_finding_fits();
ALTER TABLE ledger_findingraised ENABLE ALWAYS TRIGGER ledger_finding_fits;

-- What is said of a finding names one of its own tenant.
CREATE FUNCTION ledger_of_finding_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT f.tenant FROM ledger_findingraised f WHERE f.id = NEW.finding_id) IS DISTINCT FROM NEW.tenant THEN
        RAISE EXCEPTION 'finding % is not of tenant %', NEW.finding_id, quote_literal(NEW.tenant)
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_finding_resolved_fits BEFORE INSERT ON ledger_findingresolved
    FOR EACH ROW EXECUTE FUNCTION ledger_of_finding_fits();
CREATE TRIGGER ledger_finding_acknowledged_fits BEFORE INSERT ON ledger_findingacknowledged
    FOR EACH ROW EXECUTE FUNCTION ledger_of_finding_fits();
ALTER TABLE ledger_findingresolved ENABLE ALWAYS TRIGGER ledger_finding_resolved_fits;
ALTER TABLE ledger_findingacknowledged ENABLE ALWAYS TRIGGER ledger_finding_acknowledged_fits;

DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY['ledger_finding_fits', 'ledger_of_finding_fits']
    LOOP
        EXECUTE format('ALTER FUNCTION %I.%I() SET search_path = %I, pg_temp', current_schema(), guard, current_schema());
    END LOOP;
END $$;

-- Every number, in upper case, that can differ between the ledger and the mirror of a system: in one pass over both sides,
-- which drops what agrees. A function, and its query built anew each time: inside an INSERT it could use no parallel
-- workers, and a plan that is kept would know nothing of the tenant's size. Numbers that stand there twice are found along
-- the index, which gives them in order.
CREATE FUNCTION ledger_suspects(p_tenant text, p_system text, p_series bigint[]) RETURNS SETOF text LANGUAGE plpgsql
SET enable_hashagg = off SET enable_sort = off AS $$
BEGIN
    RETURN QUERY EXECUTE $query$
        SELECT coalesce(h.subject, r.subject)
        FROM (
            SELECT e.id, upper(e.number) AS subject, e.kind, e.document, e.series_id = ANY ($3) AS ours,
                   p.starts_on, p.ends_on
            FROM ledger_entry e JOIN ledger_period p ON p.id = e.period_id
            WHERE e.tenant = $1
        ) h
        FULL JOIN (
            SELECT d.id, upper(d.number) AS subject, d.state, d.issued_on, d.reference
            FROM ledger_remotedocument d
            WHERE d.tenant = $1 AND d.system = $2 AND d.number <> '' AND d.state <> 'draft'
        ) r ON r.subject = h.subject
        WHERE CASE WHEN h.id IS NULL THEN r.state <> 'deleted'
                   WHEN NOT h.ours THEN false
                   WHEN r.id IS NULL THEN h.kind <> 'gap'
                   ELSE r.state <> 'posted' OR h.kind = 'gap' OR (r.reference <> h.document AND r.reference <> '')
                       OR coalesce(r.issued_on NOT BETWEEN h.starts_on AND h.ends_on, false) END
        UNION ALL
        SELECT upper(d.number)
        FROM ledger_remotedocument d
        WHERE d.tenant = $1 AND d.system = $2 AND d.number <> '' AND d.state <> 'draft'
        GROUP BY upper(d.number) HAVING count(*) > 1
        UNION ALL
        SELECT upper(e.number)
        FROM ledger_numbervoided v JOIN ledger_entry e ON e.id = v.entry_id
        WHERE v.tenant = $1
          AND EXISTS (SELECT FROM ledger_remotedocument d
                      WHERE d.tenant = $1 AND d.system = $2 AND upper(d.number) = upper(e.number) AND d.number <> ''
                        AND d.state = 'posted')
    $query$ USING p_tenant, p_system, p_series;
END $$;

-- What was written since the last comparison is found by its transaction, and what has grown old since by its time. Rows
-- come in nearly that order, so a few bytes for each stretch of the table will do, and issuing doesn't pay for them.
CREATE INDEX ledger_entry_written ON ledger_entry USING brin (transaction_id, issued_at)
    WITH (autosummarize = on, pages_per_range = 32);
CREATE INDEX ledger_numbervoided_written ON ledger_numbervoided USING brin (transaction_id)
    WITH (autosummarize = on, pages_per_range = 32);

-- A reading of everything notes of each document that it was seen. With room on the page, that touches no index.
ALTER TABLE ledger_remotedocument SET (fillfactor = 80);
