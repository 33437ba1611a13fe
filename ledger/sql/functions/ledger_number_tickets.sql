-- Number all tickets of this transaction during COMMIT, the lowest series and period first, so that two transactions
-- that number the same series never deadlock; after that the trigger has nothing to do for the other tickets. If a
-- ticket asks for it, its number is sent as a notice, with the answer of ledger_take_serial as JSON.
--
-- SECURITY DEFINER, because before PostgreSQL 18 a deferred trigger runs with the rights of the role at COMMIT, and the
-- search_path at COMMIT may differ from that of the call.
CREATE OR REPLACE FUNCTION ledger_number_tickets() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    t ledger_ticket;
    waiting ledger_ticket[];
    answer text[];
    seen bigint;
    taken bigint;
    new_number text;
    early boolean;
    written timestamptz;
    others boolean;
    line integer := hashint8(NEW.period_id # hashtextextended('@schema@.ledger_period', 0));
BEGIN
    DELETE FROM ledger_ticket d WHERE d.transaction_id = NEW.transaction_id AND d.id = NEW.id
    RETURNING EXISTS (SELECT FROM ledger_ticket o WHERE o.transaction_id = d.transaction_id AND o.id <> d.id)
    INTO others;
    IF others IS NULL THEN RETURN NULL; END IF;
    -- Nearly always there is no other ticket, and the loop below would cost as much as the rest of this function.
    IF NOT others THEN
        -- And nearly always it is for one document, dated today or earlier, and nothing has changed since issue()
        -- looked. Then two statements replace ledger_take_serial, which would look up everything again.
        IF cardinality(NEW.documents) = 1 AND NEW.replaces_id IS NULL AND NOT NEW.slides
            AND (NOT NEW.on_stated OR NEW.issued_on < (clock_timestamp() AT TIME ZONE 'UTC')::date) THEN
            IF NOT pg_try_advisory_xact_lock(1181707369, line) THEN PERFORM ledger_wait_in_line(NEW.period_id); END IF;
            UPDATE ledger_period p
            SET last_value = p.last_value + 1,
                last_issued_on = CASE WHEN p.last_issued_on IS NOT NULL THEN greatest(p.last_issued_on, NEW.issued_on) END
            FROM ledger_series s
            WHERE p.id = NEW.period_id AND p.closed_at IS NULL AND p.last_value < p.max_value AND p.ordinal = 0
              AND NEW.issued_on BETWEEN p.starts_on AND p.ends_on
              AND s.id = NEW.series_id AND s.is_active AND NOT s.chronological AND s.allocation = 'at_commit'
              AND NOT EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text)
              AND NOT EXISTS (SELECT FROM ledger_entry_of(NEW.tenant, NEW.series_id, NEW.documents[1], NULL::bigint))
            RETURNING p.last_value, ledger_number(p.prefix, p.width, p.suffix, p.last_value, NEW.issued_on), s.early_release,
                      (SELECT q.last_value FROM ledger_period q WHERE q.id = NEW.period_id)
            INTO taken, new_number, early, seen;
            -- A checkout that queued sees what the ones before it have committed. One that had to wait for the row
            -- itself doesn't: it checks again whether the document got a number in the meantime, and if so gives the
            -- value back.
            IF taken <> seen + 1 THEN
                UPDATE ledger_period p
                SET last_value = taken - 1,
                    last_issued_on = CASE WHEN p.last_issued_on IS NOT NULL
                                          THEN ledger_latest_date(NEW.tenant, NEW.period_id) END
                WHERE p.id = NEW.period_id
                  AND EXISTS (SELECT FROM ledger_entry_of(NEW.tenant, NEW.series_id, NEW.documents[1], NULL::bigint));
                IF FOUND THEN taken := NULL; END IF;
            END IF;
            IF taken IS NOT NULL THEN
                INSERT INTO ledger_entry AS e
                    (id, tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)
                VALUES (NEW.entry_ids[1], NEW.tenant, NEW.series_id, NEW.period_id, taken, 'issued', new_number,
                        NEW.documents[1], NEW.issued_on, NEW.actor, coalesce(NEW.metadata, '{}'))
                RETURNING e.issued_at INTO written;
                IF NEW.tells > '' THEN
                    RAISE NOTICE 'ledger_numbered %', NEW.tells USING DETAIL = to_json(ARRAY[
                        'issued', (NEW.issued_on - DATE '1970-01-01')::text, NEW.entry_ids[1]::text, NEW.series_id::text,
                        NEW.period_id::text, taken::text, new_number,
                        (date_part('epoch', written) * 1e6::float8)::bigint::text, NEW.transaction_id::text,
                        early::text])::text;
                END IF;
                RETURN NULL;
            END IF;
        END IF;
        waiting := ARRAY[NEW];
    ELSE
        WITH torn AS (DELETE FROM ledger_ticket d WHERE d.transaction_id = NEW.transaction_id RETURNING d AS one)
        SELECT array_agg(each.one ORDER BY (each.one).series_id, (each.one).period_id, (each.one).id) INTO waiting
        FROM (SELECT one FROM torn UNION ALL SELECT NEW) each;
    END IF;
    FOREACH t IN ARRAY waiting LOOP
        -- The outcome, the business date in days, the entry's id, and more if it is new.
        answer := ledger_take_for_ticket(t.tenant, t.code, t.period_id, t.documents, t.entry_ids, t.issued_on, t.on_stated,
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
        -- Sent with the answer to COMMIT, only to the client that asked for it, and not to the server's log.
        IF t.tells > '' AND answer[1] = 'issued' AND cardinality(t.documents) = 1 THEN
            RAISE NOTICE 'ledger_numbered %', t.tells USING DETAIL = to_json(answer)::text;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
