-- The allocation `at_commit`: issuing leaves a ticket, and a deferred constraint trigger numbers it while COMMIT runs, so
-- that the counter is locked for the commit alone. Strict order, by commit.

-- Leave a ticket for documents that have no number, or find the one that this transaction left for the first of them.
-- 'pending' with the business date in days since 1970, series, period, transaction, ticket, and the ids that the entries
-- will have, as an array, and whether the date slides to that of the commit; or 'existing' with the date and the entry; or why not. Locks nothing.
CREATE FUNCTION ledger_leave_ticket(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean, p_tells boolean DEFAULT false
) RETURNS text[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    outcome text;
    guarded boolean;
    series bigint;
    period bigint;
    day date;
    days text;
    ticket bigint;
    left_before ledger_ticket;
    entry bigint;
    ids bigint[];
    slides boolean;
    differs boolean;
    writer bigint := pg_current_xact_id()::text::bigint;
BEGIN
    SELECT s.id, s.chronological,
           coalesce(p_on, (coalesce(p_at, clock_timestamp()) AT TIME ZONE s.time_zone)::date),
           CASE WHEN NOT s.is_active THEN 'inactive' WHEN s.allocation <> 'at_commit' THEN 'allocation' END
    INTO series, guarded, day, outcome
    FROM ledger_series s WHERE s.tenant = p_tenant AND s.code = p_series;
    IF NOT FOUND THEN outcome := 'unknown'; END IF;
    IF outcome IS NOT NULL THEN RETURN ARRAY[outcome]; END IF;
    days := (day - DATE '1970-01-01')::text;

    IF cardinality(p_documents) = 1 AND p_documents[1] > '' THEN
        SELECT e.id INTO entry FROM ledger_entry e
        WHERE e.tenant = p_tenant AND e.series_id = series AND e.document = p_documents[1] AND e.document > ''
        LIMIT 1;
        IF FOUND THEN RETURN ARRAY['existing', days, entry::text]; END IF;
        SELECT * INTO left_before FROM ledger_ticket t
        WHERE t.transaction_id = writer AND t.tenant = p_tenant AND t.series_id = series
          AND p_documents[1] = ANY (t.documents)
        LIMIT 1;
        IF FOUND THEN
            IF coalesce(p_metadata <> coalesce(left_before.metadata, '{}'), false)
                OR p_on_stated AND NOT EXISTS (SELECT FROM ledger_period p WHERE p.id = left_before.period_id
                                               AND day BETWEEN p.starts_on AND p.ends_on)
            THEN
                RETURN ARRAY['other_facts', days];
            END IF;
            RETURN ARRAY['pending', (left_before.issued_on - DATE '1970-01-01')::text, series::text,
                         left_before.period_id::text, writer::text, left_before.id::text,
                         ARRAY[left_before.entry_ids[array_position(left_before.documents, p_documents[1])]]::text,
                         left_before.slides::text];
        END IF;
    END IF;

    IF cardinality(p_documents) > 1 THEN
        SELECT bool_or(p_on_stated AND day NOT BETWEEN p.starts_on AND p.ends_on
                       OR coalesce(p_metadata <> coalesce(t.metadata, '{}'), false))
        INTO differs
        FROM ledger_ticket t JOIN ledger_period p ON p.id = t.period_id
        WHERE t.transaction_id = writer AND t.tenant = p_tenant AND t.series_id = series AND t.documents && p_documents;
        IF differs THEN RETURN ARRAY['other_facts', days]; END IF;
    END IF;

    -- What can be refused now is not left for the commit.
    SELECT q.id INTO period
    FROM (SELECT r.id, r.ends_on, r.closed_at, r.last_value, r.max_value, r.last_issued_on FROM ledger_period r
          WHERE r.tenant = p_tenant AND r.series_id = series AND r.starts_on <= day
          ORDER BY r.starts_on DESC LIMIT 1) q
    WHERE q.ends_on >= day AND q.closed_at IS NULL
      AND q.last_value + cardinality(p_documents) <= q.max_value
      AND (NOT guarded OR q.last_issued_on IS NULL OR q.last_issued_on <= day);
    IF NOT FOUND THEN
        RETURN ARRAY[ledger_refusal(p_tenant, series, day, cardinality(p_documents)), days];
    END IF;

    IF cardinality(p_documents) = 1 THEN
        ids := ARRAY[nextval('ledger_entry_id_seq')];
    ELSE
        ids := ARRAY(SELECT nextval('ledger_entry_id_seq') FROM generate_series(1, cardinality(p_documents)));
    END IF;
    -- Strict order is by commit, so with the chronology guard on the date is that of the commit, unless the caller chose
    -- one, or has a clock of its own.
    slides := guarded AND p_on IS NULL AND p_at IS NULL;
    INSERT INTO ledger_ticket
        (transaction_id, tenant, series_id, code, period_id, documents, entry_ids, issued_on, on_stated, slides, tells,
         actor, metadata)
    VALUES (writer, p_tenant, series, p_series, period, p_documents, ids, day, p_on_stated,
            slides, p_tells, p_actor, p_metadata)
    RETURNING id INTO ticket;
    RETURN ARRAY['pending', days, series::text, period::text, writer::text, ticket::text, ids::text, slides::text];
END $$;

-- Number what a ticket asked for, after it was torn up. Returns the outcome of ledger_issue_serial or its kin for a block,
-- the business date in days, and an entry that an outcome speaks of: 'issued', 'existing', or why not.
CREATE FUNCTION ledger_number_torn(ticket ledger_ticket) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    day date := ticket.issued_on;
    answer text[];
BEGIN
    IF ticket.slides THEN
        -- Not beyond the period, which may have no successor yet.
        SELECT greatest(least((clock_timestamp() AT TIME ZONE s.time_zone)::date, p.ends_on), day) INTO day
        FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id WHERE p.id = ticket.period_id;
    END IF;
    IF cardinality(ticket.documents) = 1 THEN
        answer := ledger_issue_serial(ticket.tenant, ticket.code, day, NULL, ticket.documents[1], ticket.actor,
                                      coalesce(ticket.metadata, '{}'), ticket.entry_ids[1]);
        -- The document came in on another connection meanwhile: its number counts, if it states the same facts.
        IF answer[1] = 'existing' AND EXISTS (
            SELECT FROM ledger_entry e
            WHERE e.id = answer[3]::bigint
              AND (ticket.on_stated AND e.period_id <> ticket.period_id OR e.metadata <> ticket.metadata)
        ) THEN
            answer[1] := 'other_facts';
        END IF;
        RETURN answer;
    END IF;
    SELECT ARRAY[max(b.outcome) FILTER (WHERE b.outcome <> 'existing'), (day - DATE '1970-01-01')::text,
                 min(b.entry_id) FILTER (WHERE b.outcome = 'other_facts')::text]
    INTO answer
    FROM ledger_issue_serial_many(ticket.tenant, ticket.code, day, NULL, ticket.documents, ticket.actor,
                                  ticket.metadata, ticket.on_stated, ticket.entry_ids) b;
    answer[1] := coalesce(answer[1], 'existing');
    RETURN answer;
END $$;

-- Number one ticket before COMMIT. As above, or nothing for a ticket that is not this transaction's, or is gone.
CREATE FUNCTION ledger_number_ticket(p_ticket bigint) RETURNS text[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ticket ledger_ticket;
BEGIN
    DELETE FROM ledger_ticket t
    WHERE t.transaction_id = pg_current_xact_id()::text::bigint AND t.id = p_ticket RETURNING * INTO ticket;
    IF NOT FOUND THEN RETURN NULL; END IF;
    RETURN ledger_number_torn(ticket);
END $$;

-- Number all tickets of this transaction, the lowest period first, so that two transactions that number the same series
-- never wait for each other; then this trigger finds nothing to do for the other tickets. A ticket that tells has its number
-- sent as a notice, with the answer of ledger_issue_serial as JSON.
CREATE FUNCTION ledger_number_tickets() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ticket ledger_ticket;
    waiting ledger_ticket[] := ARRAY[NEW];
    answer text[];
BEGIN
    DELETE FROM ledger_ticket t WHERE t.transaction_id = NEW.transaction_id AND t.id = NEW.id;
    IF NOT FOUND THEN RETURN NULL; END IF;
    -- Nearly always there is no other, and what follows would cost as much as all the rest of this function.
    IF EXISTS (SELECT FROM ledger_ticket t WHERE t.transaction_id = NEW.transaction_id) THEN
        WITH torn AS (DELETE FROM ledger_ticket t WHERE t.transaction_id = NEW.transaction_id RETURNING t AS one)
        SELECT array_agg(each.one ORDER BY (each.one).period_id, (each.one).id) INTO waiting
        FROM (SELECT one FROM torn UNION ALL SELECT NEW) each;
    END IF;
    FOREACH ticket IN ARRAY waiting LOOP
        answer := ledger_number_torn(ticket);
        IF answer[1] NOT IN ('issued', 'existing') THEN
            RAISE EXCEPTION 'the commit was refused, since period % gives out no number: %', ticket.period_id, answer[1]
                USING ERRCODE = 'integrity_constraint_violation', TABLE = 'ledger_ticket',
                      CONSTRAINT = 'ledger_ticket_' || answer[1],
                      DETAIL = json_build_object(
                          'reason', answer[1], 'tenant', ticket.tenant, 'series', ticket.code,
                          'on', DATE '1970-01-01' + answer[2]::integer, 'count', cardinality(ticket.documents),
                          'document', ticket.documents[1], 'entry', answer[3])::text,
                      HINT = 'Nothing was written. Correct what it says, and run the whole transaction again.';
        END IF;
        -- Sent along with the answer to COMMIT, to who has asked for it; to nobody else's log.
        IF ticket.tells AND answer[1] = 'issued' AND cardinality(ticket.documents) = 1 THEN
            RAISE NOTICE 'ledger_numbered %', ticket.id USING DETAIL = to_json(answer)::text;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
-- Not an ordinary trigger that yields to replica mode: a ticket must not outlive its transaction.
CREATE CONSTRAINT TRIGGER ledger_ticket_numbered AFTER INSERT ON ledger_ticket DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_number_tickets();
ALTER TABLE ledger_ticket ENABLE ALWAYS TRIGGER ledger_ticket_numbered;

-- The search_path at COMMIT need not be that of the call, for one where each customer has a schema.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION %I.ledger_number_tickets() SET search_path = %I, pg_temp',
                   current_schema(), current_schema());
END $$;

-- Tickets are found by their transaction, which has a few of them. A primary key would be one more index to keep up in
-- every checkout, and their ids come from an identity column.
ALTER TABLE ledger_ticket DROP CONSTRAINT ledger_ticket_pkey;

-- Rows that no transaction leaves behind need not survive a crash.
ALTER TABLE ledger_ticket SET UNLOGGED;
