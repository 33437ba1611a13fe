-- Insert a ticket of an `at_commit` series for documents without a number, or find the one that this transaction
-- inserted for the first of them. Returns 'pending' with the business date in days since 1970, series, period,
-- transaction, ticket, the ids that the entries will have, as an array, whether the date becomes that of the commit,
-- what the ticket replaces, whether COMMIT releases the counter before its flush (early_release), and the table of entries
-- with its schema; or 'existing' with the date and the entry; or the refusal, as in ledger_take_serial. Locks nothing. A
-- notice at COMMIT repeats p_tells, if it isn't empty: a secret of the caller's, so that no other code in the session can
-- make such a notice.
CREATE OR REPLACE FUNCTION ledger_leave_ticket(
    p_tenant text, p_series text, p_on date, p_at timestamptz, p_documents text[], p_actor text, p_metadata jsonb,
    p_on_stated boolean, p_tells text, p_replaces bigint DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    outcome text;
    guarded boolean;
    early boolean;
    series bigint;
    period bigint;
    day date;
    days text;
    ticket bigint;
    earlier record;
    entry bigint;
    ids bigint[];
    slides boolean;
    differs boolean;
    writer bigint := pg_current_xact_id()::text::bigint;
BEGIN
    -- Refuse now what can be refused now, and not at COMMIT.
    SELECT s.id, s.chronological, s.day, s.refusal, s.early_release, q.id, o.id
    INTO series, guarded, day, outcome, early, period, entry
    FROM ledger_find_series(p_tenant, p_series, p_on, p_at, 'at_commit') s
    LEFT JOIN LATERAL ledger_find_period(p_tenant, s.id, s.day) q
        ON q.closed_at IS NULL AND q.last_value <= q.max_value - cardinality(p_documents)
        AND (NOT s.chronological OR q.last_issued_on IS NULL OR q.last_issued_on <= s.day
             OR NOT ledger_is_out_of_order(p_tenant, q.id, s.day))
    LEFT JOIN LATERAL ledger_entry_of(p_tenant, s.id, p_documents[1], p_replaces) o ON cardinality(p_documents) = 1;
    IF series IS NULL OR outcome IS NOT NULL THEN RETURN ARRAY[coalesce(outcome, 'unknown')]; END IF;
    days := (day - DATE '1970-01-01')::text;

    IF cardinality(p_documents) = 1 AND p_documents[1] > '' THEN
        SELECT t.id, t.period_id, t.documents, t.entry_ids, t.issued_on, t.slides, t.metadata, t.replaces_id
        INTO earlier
        FROM ledger_ticket t
        WHERE t.transaction_id = writer AND t.tenant = p_tenant AND t.series_id = series
          AND p_documents[1] = ANY (t.documents)
          -- Or the void number that the document has so far is about to be replaced.
          AND t.replaces_id IS NOT DISTINCT FROM coalesce(entry, p_replaces)
        LIMIT 1;
        IF NOT FOUND AND entry IS NOT NULL THEN RETURN ARRAY['existing', days, entry::text]; END IF;
        IF FOUND THEN
            IF coalesce(p_metadata <> coalesce(earlier.metadata, '{}'), false)
                OR p_on_stated AND NOT EXISTS (SELECT FROM ledger_period p WHERE p.id = earlier.period_id
                                               AND day BETWEEN p.starts_on AND p.ends_on)
            THEN
                RETURN ARRAY['other_facts', days];
            END IF;
            RETURN ARRAY['pending', (earlier.issued_on - DATE '1970-01-01')::text, series::text,
                         earlier.period_id::text, writer::text, earlier.id::text,
                         ARRAY[earlier.entry_ids[array_position(earlier.documents, p_documents[1])]]::text,
                         earlier.slides::text, earlier.replaces_id::text, early::text, '@schema@.ledger_entry'];
        END IF;
    END IF;

    IF cardinality(p_documents) > 1 THEN
        SELECT bool_or(p_on_stated AND day NOT BETWEEN p.starts_on AND p.ends_on
                       OR coalesce(p_metadata <> coalesce(t.metadata, '{}'), false))
        INTO differs
        FROM ledger_ticket t JOIN ledger_period p ON p.id = t.period_id
        WHERE t.transaction_id = writer AND t.tenant = p_tenant AND t.series_id = series
          AND t.documents OPERATOR(pg_catalog.&&) p_documents;
        IF differs THEN RETURN ARRAY['other_facts', days]; END IF;
    END IF;

    IF period IS NULL THEN
        SELECT q.id INTO period FROM ledger_find_range(p_tenant, series, day, guarded) q;
        IF period IS NULL THEN
            RETURN ARRAY[ledger_refusal(p_tenant, series, day, cardinality(p_documents)), days];
        END IF;
    END IF;

    IF cardinality(p_documents) = 1 THEN
        ids := ARRAY[nextval('ledger_entry_id_seq')];
    ELSE
        ids := ARRAY(SELECT nextval('ledger_entry_id_seq') FROM generate_series(1, cardinality(p_documents)));
    END IF;
    -- The strict order is by commit. So with the chronology guard the date is that of the commit, unless the caller
    -- chose one, or uses the application's clock.
    slides := guarded AND p_on IS NULL AND p_at IS NULL;
    INSERT INTO ledger_ticket
        (transaction_id, tenant, series_id, code, period_id, documents, entry_ids, issued_on, on_stated, slides, tells,
         actor, metadata, replaces_id)
    VALUES (writer, p_tenant, series, p_series, period, p_documents, ids, day, p_on_stated,
            slides, left(coalesce(p_tells, ''), 64), p_actor, p_metadata, p_replaces)
    RETURNING id INTO ticket;
    RETURN ARRAY['pending', days, series::text, period::text, writer::text, ticket::text, ids::text, slides::text,
                 p_replaces::text, early::text, '@schema@.ledger_entry'];
END $$;
