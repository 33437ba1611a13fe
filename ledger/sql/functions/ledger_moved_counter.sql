-- Keeps old code correct after another system's counter was moved to Folio: an update of the old table takes its values
-- from the series that continues the counter. Arguments of the trigger: kind of system, column of the key, column of the
-- counter. OLD and NEW give access to the old table. See ledger/compat/moving/systems.py.
--
-- It runs with the rights of the role that writes the old table, which needs those of a checkout: the table isn't the
-- ledger's, and turning its columns into JSON may run anybody's code.
CREATE OR REPLACE FUNCTION ledger_moved_counter() RETURNS trigger LANGUAGE plpgsql
SECURITY INVOKER SET search_path = pg_catalog, @schema@, pg_temp AS $$
DECLARE
    key text := to_jsonb(OLD) ->> TG_ARGV[1];
    before bigint := (to_jsonb(OLD) ->> TG_ARGV[2])::bigint;
    asked bigint;
    owner record;
    outcome text;
    taken bigint;
BEGIN
    SELECT s.tenant, s.code, (a.options ->> 'day'::text)::date AS day INTO owner
    FROM ledger_adoption a JOIN ledger_series s ON s.id = a.series_id
    WHERE a.source = TG_TABLE_NAME AND a.options ->> 'kind'::text = TG_ARGV[0] AND a.options ->> 'row'::text = key
    ORDER BY a.id DESC LIMIT 1;
    IF NOT FOUND THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, and cannot be deleted here', quote_literal(key)
            USING ERRCODE = 'restrict_violation', HINT = 'Call the function of Folio that replaces the old code.';
    END IF;
    asked := (to_jsonb(NEW) ->> TG_ARGV[2])::bigint;
    IF asked = before THEN
        RETURN NEW;
    ELSIF asked < before THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, and cannot go back from % to %',
            quote_literal(key), before, asked
            USING ERRCODE = 'restrict_violation', HINT = 'Call the function of Folio that replaces the old code.';
    END IF;
    SELECT min(i.outcome), max(i.entry_value) INTO outcome, taken
    FROM ledger_issue_serial_many(owner.tenant, owner.code, owner.day, NULL::timestamptz,
                                  array_fill(''::text, ARRAY[(asked - before)::integer]), '', NULL::jsonb, false) i;
    IF outcome IS DISTINCT FROM 'issued' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, whose series % gives out no number: %',
            quote_literal(key), quote_literal(owner.code), outcome USING ERRCODE = 'restrict_violation';
    END IF;
    IF taken <> asked AND current_query() NOT ILIKE '%ON CONFLICT%RETURNING%' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, which has counted to %: % would be given twice',
            quote_literal(key), taken - (asked - before), asked
            USING ERRCODE = 'restrict_violation', HINT = 'Call the function of Folio that replaces the old code.';
    END IF;
    RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[2], taken));
END $$;
