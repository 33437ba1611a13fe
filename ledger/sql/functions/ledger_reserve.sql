-- Reservations for a checkout of a `reserved` series, in a short transaction of their own: one for each document, and
-- contiguous values if all are new. No other document ever gets such a value, even if the checkout fails. A document
-- that has a reservation in this period gets the same one again, so a retry shows the payment provider the same number.
-- Returns one row for each document, with its place in the list; or one row that says why not: 'unknown' (no such period
-- is visible), 'allocation', 'inactive', 'too_far', 'closed', 'out_of_order', 'exhausted', 'try_again' (in the next
-- range), or 'existing' for a document that got a number in the meantime. p_transaction is the checkout's own id, as it
-- says itself: it is evidence, and ledger_issue_reserved compares it. If several checkouts reserve together, p_actors and
-- p_transactions have those of each document.
CREATE OR REPLACE FUNCTION ledger_reserve(
    p_tenant text, p_period bigint, p_on date, p_documents text[], p_actor text, p_transaction bigint,
    p_replaces bigint DEFAULT NULL, p_actors text[] DEFAULT NULL, p_transactions bigint[] DEFAULT NULL
) RETURNS TABLE (outcome text, place bigint, reservation bigint, reserved_value bigint) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, @schema@, pg_temp
-- Only a change of the series holds this counter for long. An error is better than a checkout that hangs.
SET lock_timeout = '5s' SET enable_seqscan = off SET enable_bitmapscan = off
-- A list of one looks cheaper to the planner than a list of any length, so it would make a new plan for each number.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    restricted boolean;
    period record;
    guarded boolean;
    is_new boolean;
    fresh text[];
    places bigint[];
    written record;
BEGIN
    IF cardinality(p_documents) > 100000 THEN
        RAISE EXCEPTION 'one call reserves at most 100000 values, not %, because it holds the counter',
            cardinality(p_documents) USING ERRCODE = 'check_violation';
    END IF;
    SELECT p.moves OR EXISTS (SELECT FROM ledger_tenantbinding b WHERE b.login = session_user::text) INTO restricted
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant;
    IF restricted IS DISTINCT FROM false THEN
        PERFORM ledger_refuse_foreign(p_tenant);
        IF restricted IS NULL THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
    END IF;
    PERFORM ledger_wait_in_line(p_period);
    SELECT p.series_id, p.starts_on, p.ends_on, p.ordinal, p.last_value, p.max_value, p.last_issued_on, p.closed_at
    INTO period
    FROM ledger_period p WHERE p.id = p_period AND p.tenant = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
    SELECT s.chronological,
           CASE WHEN s.allocation <> 'reserved' THEN 'allocation'
                WHEN NOT s.is_active THEN 'inactive'
                WHEN p_on NOT BETWEEN period.starts_on AND period.ends_on
                     OR p_on > (clock_timestamp() AT TIME ZONE s.time_zone)::date + s.max_days_ahead THEN 'too_far' END,
           -- Nearly always it is one document; the query for a list below takes three times as long.
           cardinality(p_documents) = 1 AND (p_documents[1] = '' OR NOT EXISTS (
               SELECT FROM ledger_reservation r
               WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.document = p_documents[1] AND r.document > ''
           ) AND NOT EXISTS (
               SELECT FROM ledger_entry e
               WHERE e.tenant = p_tenant AND e.series_id = period.series_id AND e.document = p_documents[1]
                 AND e.document > ''
           ))
    INTO guarded, outcome, is_new
    FROM ledger_series s WHERE s.id = period.series_id;

    IF is_new THEN
        fresh := p_documents;
        places := '{1}';
    ELSE
        SELECT array_agg(d.document ORDER BY d.ordinality) FILTER (WHERE r.id IS NULL),
               array_agg(d.ordinality ORDER BY d.ordinality) FILTER (WHERE r.id IS NULL),
               CASE WHEN outcome IS NULL AND bool_or(e.id IS NOT NULL) THEN 'existing' ELSE outcome END
        INTO fresh, places, outcome
        FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
        LEFT JOIN LATERAL (
            SELECT r.id FROM ledger_reservation r
            WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.document = d.document AND r.document > '' LIMIT 1
        ) r ON true
        LEFT JOIN LATERAL (
            SELECT e.id FROM ledger_entry e
            WHERE e.tenant = p_tenant AND e.series_id = period.series_id AND e.document = d.document AND e.document > ''
              AND (e.replaces_id = p_replaces OR e.replaces_id IS NULL AND p_replaces IS NULL)
            LIMIT 1
        ) e ON true;
    END IF;

    IF outcome IS NULL AND (guarded OR period.ordinal > 0) AND period.closed_at IS NULL THEN
        outcome := CASE WHEN guarded AND period.last_issued_on > p_on
                             AND ledger_is_out_of_order(p_tenant, p_period, p_on) THEN 'out_of_order'
                        WHEN guarded AND period.ordinal > 0 AND fresh IS NOT NULL
                             AND ledger_later_range(p_tenant, period.series_id, p_on) THEN 'out_of_order'
                        -- The last value of an authorised range went to another checkout: the caller looks for the next.
                        WHEN period.ordinal > 0 AND fresh IS NOT NULL AND period.last_value >= period.max_value
                             AND EXISTS (SELECT FROM ledger_find_range(p_tenant, period.series_id, p_on, guarded))
                             THEN 'try_again' END;
    END IF;
    IF outcome IS NULL THEN
        outcome := CASE WHEN period.closed_at IS NOT NULL THEN 'closed'
                        WHEN period.last_value > period.max_value - coalesce(cardinality(fresh), 0) THEN 'exhausted' END;
    END IF;
    IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;

    outcome := 'reserved';
    IF fresh IS NOT NULL THEN
        -- With the guard on, only void numbers can have a later date here.
        UPDATE ledger_period p
        SET last_value = period.last_value + cardinality(fresh),
            last_issued_on = CASE WHEN guarded THEN p_on
                                  WHEN period.last_issued_on IS NOT NULL THEN greatest(period.last_issued_on, p_on) END
        WHERE p.id = p_period;
        FOR written IN
            INSERT INTO ledger_reservation AS r
                (tenant, series_id, period_id, value, document, issued_on, actor, checkout_transaction_id)
            SELECT p_tenant, period.series_id, p_period, period.last_value + d.ordinality, d.document, p_on,
                   coalesce(p_actors[places[d.ordinality]], p_actor),
                   coalesce(p_transactions[places[d.ordinality]], p_transaction)
            FROM unnest(fresh) WITH ORDINALITY AS d (document, ordinality)
            RETURNING r.id, r.value
        LOOP
            place := places[written.value - period.last_value];
            reservation := written.id;
            reserved_value := written.value;
            RETURN NEXT;
        END LOOP;
    END IF;
    IF fresh IS NULL OR cardinality(fresh) < cardinality(p_documents) THEN
        RETURN QUERY
        SELECT 'reserved', d.ordinality, r.id, r.value
        FROM unnest(p_documents) WITH ORDINALITY AS d (document, ordinality)
        CROSS JOIN LATERAL (
            SELECT r.id, r.value FROM ledger_reservation r
            WHERE r.tenant = p_tenant AND r.period_id = p_period AND r.document = d.document AND r.document > ''
            LIMIT 1
        ) r
        WHERE d.ordinality NOT IN (SELECT unnest(places));
    END IF;
END $$;
