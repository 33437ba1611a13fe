-- Number all tickets of this transaction while COMMIT runs, the lowest series and period first, so that two transactions
-- that number the same series never wait for each other; then this trigger finds nothing to do for the other tickets. A
-- ticket that tells has its number sent as a notice, with the answer of ledger_take_serial as JSON.
--
-- A definer: before PostgreSQL 18 a deferred trigger runs with the rights of who commits, and the search_path at COMMIT need
-- not be that of the call.
CREATE OR REPLACE FUNCTION ledger_number_tickets() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    t ledger_ticket;
    waiting ledger_ticket[] := ARRAY[NEW];
    answer text[];
BEGIN
    DELETE FROM ledger_ticket d WHERE d.transaction_id = NEW.transaction_id AND d.id = NEW.id;
    IF NOT FOUND THEN RETURN NULL; END IF;
    -- Nearly always there is no other, and what follows would cost as much as all the rest of this function.
    IF EXISTS (SELECT FROM ledger_ticket d WHERE d.transaction_id = NEW.transaction_id) THEN
        WITH torn AS (DELETE FROM ledger_ticket d WHERE d.transaction_id = NEW.transaction_id RETURNING d AS one)
        SELECT array_agg(each.one ORDER BY (each.one).series_id, (each.one).period_id, (each.one).id) INTO waiting
        FROM (SELECT one FROM torn UNION ALL SELECT NEW) each;
    END IF;
    FOREACH t IN ARRAY waiting LOOP
        answer := ledger_number_torn(t.tenant, t.code, t.period_id, t.documents, t.entry_ids, t.issued_on, t.on_stated,
                                     t.slides, t.actor, t.metadata, t.replaces_id);
        IF answer[1] NOT IN ('issued', 'existing') THEN
            RAISE EXCEPTION 'the commit was refused, since period % gives out no number: %', t.period_id, answer[1]
                USING ERRCODE = 'integrity_constraint_violation', TABLE = 'ledger_ticket',
                      CONSTRAINT = 'ledger_ticket_' || answer[1],
                      DETAIL = json_build_object(
                          'reason', answer[1], 'tenant', t.tenant, 'series', t.code,
                          'on', DATE '1970-01-01' + answer[2]::integer, 'count', cardinality(t.documents),
                          'document', t.documents[1], 'entry', answer[3],
                          'range', (SELECT a.authority || ' ' || a.reference FROM ledger_authorisedrange a
                                    WHERE a.tenant = t.tenant AND a.series_id = t.series_id
                                    ORDER BY a.id DESC LIMIT 1))::text,
                      HINT = 'Nothing was written. Correct what it says, and run the whole transaction again.';
        END IF;
        -- Sent along with the answer to COMMIT, to who has asked for it; to nobody else's log.
        IF t.tells AND answer[1] = 'issued' AND cardinality(t.documents) = 1 THEN
            RAISE NOTICE 'ledger_numbered %.%', quote_ident(TG_TABLE_SCHEMA), t.id USING DETAIL = to_json(answer)::text;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
