"""What keeps old code honest after the move: a trigger on its table, so that a counter that was moved counts in Folio.

Old processes may still run, and they would give out the numbers that Folio gives out. The statement of django-sequences
reads back what was written, so the trigger takes the values from the series, and both count on from each other. Code
that adds one by itself (django-sequence, and ``reset_value`` or ``nowait`` of the other) gets an error as soon as
somebody else has counted: an error is seen, a number that is there twice is not.
"""

from __future__ import annotations

from django.db import connections

# Arguments of the trigger: kind of system, column of the key, column of the counter.
_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_moved_counter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key text := to_jsonb(OLD) ->> TG_ARGV[1];
    before bigint := (to_jsonb(OLD) ->> TG_ARGV[2])::bigint;
    asked bigint;
    owner record;
    outcome text;
    taken bigint;
BEGIN
    SELECT s.tenant, s.code INTO owner
    FROM ledger_adoption a JOIN ledger_series s ON s.id = a.series_id
    WHERE a.source = TG_TABLE_NAME AND a.options ->> 'kind' = TG_ARGV[0] AND a.options ->> 'row' = key
    ORDER BY a.id DESC LIMIT 1;
    IF NOT FOUND THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, and cannot be deleted here', quote_literal(key)
            USING ERRCODE = 'restrict_violation', HINT = 'Call what Folio has in the place of the old code.';
    END IF;
    asked := (to_jsonb(NEW) ->> TG_ARGV[2])::bigint;
    IF asked = before THEN
        RETURN NEW;
    ELSIF asked < before THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, and cannot go back from % to %',
            quote_literal(key), before, asked
            USING ERRCODE = 'restrict_violation', HINT = 'Call what Folio has in the place of the old code.';
    END IF;
    SELECT min(i.outcome), max(i.entry_value) INTO outcome, taken
    FROM ledger_issue_serial_many(owner.tenant, owner.code, NULL, NULL,
                                  array_fill(''::text, ARRAY[(asked - before)::integer]), '', NULL, false) i;
    IF outcome IS DISTINCT FROM 'issued' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, whose series % gives out no number: %',
            quote_literal(key), quote_literal(owner.code), outcome USING ERRCODE = 'restrict_violation';
    END IF;
    IF taken <> asked AND current_query() NOT ILIKE '%ON CONFLICT%RETURNING%' THEN
        RAISE EXCEPTION 'the counter % was moved to Folio, which has counted to %: % would be given twice',
            quote_literal(key), taken - (asked - before), asked
            USING ERRCODE = 'restrict_violation', HINT = 'Call what Folio has in the place of the old code.';
    END IF;
    RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[2], taken));
END $$
"""

# Once all counters were moved: a new one would be counted on both sides. The statement of django-sequences proposes a
# row each time, so one that is there already may pass. Arguments as above.
_NEW_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_moved_new_counter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key text := to_jsonb(NEW) ->> TG_ARGV[1];
    present boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I c WHERE c.%I::text = $1)',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[1]) INTO present USING key;
    IF NOT present THEN
        RAISE EXCEPTION 'the counters of % were moved to Folio, where new ones begin too', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', HINT = 'Call what Folio has in the place of the old code.';
    END IF;
    RETURN NEW;
END $$
"""

# The guard's own schema first, as migrations/sql/search_path.sql says; the old table is reached through OLD and NEW.
_PATH = """
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION {function}() SET search_path = %I, pg_temp',
                   (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.oid = 'ledger_entry'::regclass));
END $$
"""


def lock_counters(alias: str, table: str) -> None:
    """Wait for transactions that hold a number of the old table, and let no other take one until this one ends."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {connection.ops.quote_name(table)} IN SHARE ROW EXCLUSIVE MODE")


def build_bridge(alias: str, table: str, kind: str, key: str, counter: str, *, whole: bool) -> None:
    """Let the table's moved counters count in Folio from the end of this transaction on; done twice it is done once.

    ``whole`` where all of them were moved: then it takes no new one.
    """
    connection = connections[alias]
    name = connection.ops.quote_name(table)
    triggers = [("ledger_moved_counter", _FUNCTION, "UPDATE OR DELETE")]
    if whole:
        triggers.append(("ledger_moved_new_counter", _NEW_FUNCTION, "INSERT"))
    with connection.cursor() as cursor:
        for trigger, function, event in triggers:
            cursor.execute(function)
            cursor.execute(_PATH.replace("{function}", trigger))
            # OR REPLACE, and not DROP, which waits for readers too: old code that has read its row, and now waits for
            # us to write it, would wait for ever.
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {trigger} BEFORE {event} ON {name} FOR EACH ROW "
                f"EXECUTE FUNCTION {trigger}('{kind}', '{key}', '{counter}')"
            )
