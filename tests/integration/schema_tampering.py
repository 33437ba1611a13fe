"""Changes that weaken the schema, each with the finding that names the object, the change and its effect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bypass:
    """Statements of a superuser, the check that finds them, and texts that one problem of that check has."""

    name: str
    statements: str
    check: str
    told: tuple[str, ...]


ROLE = "CREATE ROLE folio_stranger; "
NOTHING_REFUSED = "rows can be written, changed or deleted that it refuses"


def _as_owner(statement: str) -> str:
    """Run a statement that names the ledger's owner."""
    owner = "(SELECT tableowner FROM pg_tables WHERE tablename = 'ledger_entry')"
    return f"DO $do$BEGIN EXECUTE format('{statement}', {owner}); END$do$"


def _another_trigger(name: str, table: str, created: str) -> str:
    return f"DROP TRIGGER {name} ON {table}; CREATE {created}; ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"


TABLES = (
    Bypass(
        "event table dropped",
        "DROP TABLE ledger_numbervoided",
        "table",
        ("The table ledger_numbervoided is missing", "all that stood in it is gone"),
    ),
    Bypass(
        "entries dropped",
        "DROP TABLE ledger_entry CASCADE",
        "table",
        ("The table ledger_entry is missing", "all that stood in it is gone"),
    ),
    Bypass(
        "a view in its place",
        "ALTER TABLE ledger_holereported RENAME TO hidden; CREATE VIEW ledger_holereported AS SELECT * FROM hidden",
        "table",
        ("The table ledger_holereported is a view, not a table", "can be something else"),
    ),
    Bypass(
        "a view that shadows",
        "CREATE SCHEMA app; CREATE VIEW app.ledger_entry AS SELECT * FROM public.ledger_entry WHERE value < 5;"
        " SET LOCAL search_path = app, public",
        "shadow",
        ("The name ledger_entry leads to the schema app, not to public", "no guard of the ledger has seen"),
    ),
    Bypass(
        "a temporary table that shadows",
        "CREATE TEMP TABLE ledger_numbervoided AS SELECT * FROM ledger_numbervoided",
        "shadow",
        ("The name ledger_numbervoided leads to the schema pg_temp_",),
    ),
    Bypass(
        "unlogged",
        "ALTER TABLE ledger_reservation SET UNLOGGED",
        "unlogged",
        ("The table ledger_reservation is unlogged", "not in the write-ahead log", "a crash empties it"),
    ),
    Bypass(
        "unlogged events",
        "ALTER TABLE ledger_holehealed SET UNLOGGED",
        "unlogged",
        ("The table ledger_holehealed is unlogged", "a crash empties it"),
    ),
    Bypass(
        "row security forced",
        "ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY",
        "row-security",
        ("ledger_entry has row level security forced on its owner", "hidden from the ledger's own functions"),
    ),
    Bypass(
        "row security enabled",
        "ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY; CREATE POLICY low ON ledger_entry USING (value < 5)",
        "row-security",
        ("ledger_entry has row level security enabled", "rows can be hidden from every role but the owner"),
    ),
    Bypass(
        "a policy",
        "CREATE POLICY low ON ledger_entry USING (value < 5)",
        "row-security",
        ("The row security policy low on ledger_entry doesn't belong to the ledger", "(value < 5)", "can be hidden"),
    ),
    Bypass(
        "a rule",
        "CREATE RULE quiet AS ON INSERT TO ledger_numbervoided DO INSTEAD NOTHING",
        "rule",
        ("The rule quiet on ledger_numbervoided doesn't belong to the ledger", "DO INSTEAD NOTHING", "before any"),
    ),
    Bypass(
        "a child",
        "CREATE TABLE more () INHERITS (ledger_entry)",
        "inheritance",
        ("The table ledger_entry has the children public.more", "past every trigger and unique index"),
    ),
    Bypass(
        "a parent",
        "CREATE TABLE above (tenant text); ALTER TABLE ledger_series INHERIT above",
        "inheritance",
        ("The table ledger_series is a child of public.above", "statements on that table reach its rows"),
    ),
    Bypass(
        "another access method",
        "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;"
        " ALTER TABLE ledger_holehealed SET ACCESS METHOD heap2",
        "table",
        ("The table ledger_holehealed is kept by the access method heap2", "other people's code"),
    ),
    Bypass(
        "triggers that PostgreSQL doesn't see",
        "UPDATE pg_class SET relhastriggers = false WHERE oid = 'ledger_entry'::regclass",
        "trigger",
        ("The table ledger_entry is marked as a table without triggers", "events can be changed and deleted"),
    ),
    Bypass(
        "indexes that PostgreSQL doesn't see",
        "UPDATE pg_class SET relhasindex = false WHERE oid = 'ledger_slot'::regclass",
        "index",
        ("The table ledger_slot is marked as a table without indexes", "written twice"),
    ),
    Bypass(
        "checks that PostgreSQL doesn't see",
        "UPDATE pg_class SET relchecks = 0 WHERE oid = 'ledger_adoptedgap'::regclass",
        "constraint",
        ("The table ledger_adoptedgap is marked with a wrong number of check constraints",),
    ),
)

COLUMNS = (
    Bypass(
        "another default",
        "ALTER TABLE ledger_entry ALTER issued_at SET DEFAULT '2020-01-01 00:00+00'::timestamptz",
        "column",
        (
            "The column issued_at of ledger_entry has the default '2020-01-01 00:00:00+00'::timestamp with time zone,"
            " not clock_timestamp()",
            "a value that nobody asked for",
        ),
    ),
    Bypass(
        "a default of PostgreSQL's name",
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()';"
        " ALTER TABLE ledger_entry ALTER issued_at SET DEFAULT public.clock_timestamp()",
        "column",
        ("The column issued_at of ledger_entry has the default public.clock_timestamp(), not clock_timestamp()",),
    ),
    Bypass(
        "a domain of PostgreSQL's name",
        "CREATE DOMAIN public.text AS pg_catalog.text;"
        " ALTER TABLE ledger_gapexplained ALTER explanation TYPE public.text",
        "column",
        ("The column explanation of ledger_gapexplained has the type public.text, not text", "compare otherwise"),
    ),
    Bypass(
        "a generated column",
        "ALTER TABLE ledger_numbervoided ADD COLUMN copied text GENERATED ALWAYS AS (reason || '!') STORED",
        "column",
        ("The column copied of ledger_numbervoided doesn't belong to the ledger",),
    ),
    Bypass(
        "no default",
        "ALTER TABLE ledger_entry ALTER transaction_id DROP DEFAULT",
        "column",
        ("The column transaction_id of ledger_entry has the default none",),
    ),
    Bypass(
        "null",
        "ALTER TABLE ledger_entry ALTER document DROP NOT NULL",
        "column",
        ("The column document of ledger_entry may be null", "no unique index and no guard compares"),
    ),
    Bypass(
        "another type",
        "ALTER TABLE ledger_findingraised ALTER occurrence TYPE numeric",
        "column",
        ("The column occurrence of ledger_findingraised has the type numeric, not", "compare otherwise"),
    ),
    Bypass(
        "another collation",
        'ALTER TABLE ledger_findingraised ALTER subject TYPE text COLLATE "C"',
        "column",
        ('The column subject of ledger_findingraised has the collation "C", not none', "count as equal"),
    ),
    Bypass(
        "no identity",
        "ALTER TABLE ledger_numbervoided ALTER id DROP IDENTITY",
        "column",
        ("The column id of ledger_numbervoided has the identity none, not by default",),
    ),
    Bypass(
        "a column dropped",
        "ALTER TABLE ledger_numbervoided DROP COLUMN reason",
        "column",
        ("The column reason of ledger_numbervoided is missing", "all that stood in it is gone"),
    ),
    Bypass(
        "a column more",
        "ALTER TABLE ledger_entry ADD COLUMN copied text DEFAULT current_user",
        "column",
        ("The column copied of ledger_entry doesn't belong to the ledger", "other people's code"),
    ),
    Bypass(
        "ids that a crash forgets",
        "ALTER SEQUENCE ledger_entry_id_seq SET UNLOGGED",
        "sequence",
        ("The sequence of ledger_entry.id is bigint by 1, 1 to 9223372036854775807, unlogged, not", "given out twice"),
    ),
    Bypass(
        "ids over again",
        "ALTER SEQUENCE ledger_entry_id_seq MAXVALUE 1000 CYCLE",
        "sequence",
        ("The sequence of ledger_entry.id is bigint by 1, 1 to 1000, and over again, not", "given out twice"),
    ),
)

TRIGGERS = (
    Bypass(
        "a trigger more",
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"
        " CREATE TRIGGER aaa BEFORE INSERT ON ledger_numbervoided FOR EACH ROW EXECUTE FUNCTION quiet()",
        "trigger",
        ("The trigger aaa on ledger_numbervoided doesn't belong to the ledger", "changed, dropped or copied"),
    ),
    Bypass(
        "a trigger dropped",
        "DROP TRIGGER ledger_entry_fits ON ledger_entry",
        "trigger",
        ("The trigger ledger_entry_fits on ledger_entry is missing", NOTHING_REFUSED),
    ),
    Bypass(
        "a trigger disabled",
        "ALTER TABLE ledger_period DISABLE TRIGGER ledger_period_guard_format",
        "trigger",
        ("ledger_period_guard_format on ledger_period must fire always, and fires never (it is disabled)",),
    ),
    Bypass(
        "a trigger silent in replica mode",
        "ALTER TABLE ledger_series ENABLE TRIGGER ledger_series_guard_update",
        "trigger",
        ("ledger_series_guard_update on ledger_series must fire always, and fires except in replica mode",),
    ),
    Bypass(
        "a trigger of replica mode",
        "ALTER TABLE ledger_entry ENABLE REPLICA TRIGGER ledger_entry_fits",
        "trigger",
        ("ledger_entry_fits on ledger_entry must fire always, and fires in replica mode alone", "in some sessions"),
    ),
    Bypass(
        "foreign keys disabled",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "trigger",
        (
            "The foreign key from ledger_numbervoided (entry_id) to ledger_entry is not upheld",
            "rows can point to what is not there",
        ),
    ),
    Bypass(
        "another condition",
        _another_trigger(
            "ledger_period_guard_counter",
            "ledger_period",
            "TRIGGER ledger_period_guard_counter AFTER UPDATE OF last_value ON ledger_period FOR EACH ROW"
            " WHEN (NEW.last_value < OLD.last_value - 1) EXECUTE FUNCTION ledger_period_guard()",
        ),
        "trigger",
        ("ledger_period_guard_counter on ledger_period is another one", "(old.last_value - 1)", NOTHING_REFUSED),
    ),
    Bypass(
        "a condition that never holds",
        _another_trigger(
            "ledger_append_only_rows",
            "ledger_entry",
            "TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW"
            " WHEN (false) EXECUTE FUNCTION ledger_refuse_change()",
        ),
        "trigger",
        ("ledger_append_only_rows on ledger_entry is another one", "WHEN (false)"),
    ),
    Bypass(
        "fewer columns",
        _another_trigger(
            "ledger_period_guard_format",
            "ledger_period",
            "TRIGGER ledger_period_guard_format AFTER UPDATE OF prefix ON ledger_period FOR EACH ROW"
            " EXECUTE FUNCTION ledger_period_guard()",
        ),
        "trigger",
        ("ledger_period_guard_format on ledger_period is another one", "UPDATE OF prefix ON"),
    ),
    Bypass(
        "not deferred",
        _another_trigger(
            "ledger_ticket_numbered",
            "ledger_ticket",
            "TRIGGER ledger_ticket_numbered AFTER INSERT ON ledger_ticket FOR EACH ROW"
            " EXECUTE FUNCTION ledger_number_tickets()",
        ),
        "trigger",
        ("ledger_ticket_numbered on ledger_ticket is another one",),
    ),
    Bypass(
        "deferrable, and not deferred",
        _another_trigger(
            "ledger_slot_is_kept",
            "ledger_slot",
            "CONSTRAINT TRIGGER ledger_slot_is_kept AFTER DELETE ON ledger_slot DEFERRABLE INITIALLY IMMEDIATE"
            " FOR EACH ROW EXECUTE FUNCTION ledger_unqueued_is_kept()",
        ),
        "trigger",
        ("ledger_slot_is_kept on ledger_slot is another one", "INITIALLY IMMEDIATE"),
    ),
)

INDEXES = (
    Bypass(
        "an index dropped",
        "DROP INDEX ledger_entry_number",
        "index",
        ("The unique index ledger_entry_number on ledger_entry is missing", "written twice"),
    ),
    Bypass(
        "an index of a queue dropped",
        "DROP INDEX ledger_reservation_document",
        "index",
        ("The unique index ledger_reservation_document on ledger_reservation is missing",),
    ),
    Bypass(
        "an invalid index",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_entry_document'::regclass",
        "index",
        ("The unique index ledger_entry_document on ledger_entry is not valid", "written twice"),
    ),
    Bypass(
        "an invalid index of a constraint",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_entry_value'::regclass",
        "index",
        ("The constraint ledger_entry_value on ledger_entry has an index that is not valid", "written twice"),
    ),
    Bypass(
        "an index that is no longer unique",
        "UPDATE pg_index SET indisunique = false WHERE indexrelid = 'ledger_entry_number'::regclass",
        "index",
        ("The unique index ledger_entry_number on ledger_entry is missing",),
    ),
    Bypass(
        "an index of other columns",
        "DROP INDEX ledger_entry_number; CREATE UNIQUE INDEX ledger_entry_number ON ledger_entry (tenant, number)",
        "index",
        ("The unique index ledger_entry_number on ledger_entry is another one", "(tenant, number), not", "upper("),
    ),
    Bypass(
        "an index by a function of PostgreSQL's name",
        "CREATE FUNCTION public.upper(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1 || random()';"
        " DROP INDEX ledger_entry_number;"
        " CREATE UNIQUE INDEX ledger_entry_number ON ledger_entry (tenant, public.upper(number))",
        "index",
        (
            "The unique index ledger_entry_number on ledger_entry is another one",
            "public.upper(number)",
            "written twice",
        ),
    ),
    Bypass(
        "an index that runs code",
        "CREATE FUNCTION spy(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';"
        " CREATE INDEX ours ON ledger_entry (spy(document))",
        "index",
        ("on ledger_entry runs public.spy(text) as a row is written", "the rights of the ledger's owner"),
    ),
    Bypass(
        "an index by an operator that runs code",
        "CREATE FUNCTION spy(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
        " CREATE OPERATOR public.=== (FUNCTION = spy, LEFTARG = text, RIGHTARG = text);"
        " CREATE INDEX ours ON ledger_entry (id) WHERE document === 'x'",
        "index",
        ("on ledger_entry runs public.spy(text,text) as a row is written",),
    ),
    Bypass(
        "an index of some rows",
        "DROP INDEX ledger_entry_number; CREATE UNIQUE INDEX ledger_entry_number"
        " ON ledger_entry (tenant, upper(number)) WHERE id > 100",
        "index",
        ("The unique index ledger_entry_number on ledger_entry is another one", "WHERE (id > 100), not"),
    ),
    Bypass(
        "a unique index more",
        "CREATE UNIQUE INDEX one_a_day ON ledger_numbervoided (tenant, voided_at)",
        "index",
        ("The unique index one_a_day on ledger_numbervoided doesn't belong to the ledger", "can be refused"),
    ),
)

CONSTRAINTS = (
    Bypass(
        "the guard of the counter dropped",
        "ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_value",
        "constraint",
        ("The constraint ledger_entry_value on ledger_entry is missing", "rows can be written that it refuses"),
    ),
    Bypass(
        "a primary key dropped",
        "ALTER TABLE ledger_slot DROP CONSTRAINT ledger_slot_pkey",
        "constraint",
        ("The constraint ledger_slot_pkey on ledger_slot is missing",),
    ),
    Bypass(
        "an exclusion dropped",
        "ALTER TABLE ledger_period DROP CONSTRAINT ledger_period_no_overlap",
        "constraint",
        ("The constraint ledger_period_no_overlap on ledger_period is missing",),
    ),
    Bypass(
        "a check dropped",
        "ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order",
        "constraint",
        ("The constraint ledger_adoptedgap_order on ledger_adoptedgap is missing",),
    ),
    Bypass(
        "a check that is not valid",
        "ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order;"
        " ALTER TABLE ledger_adoptedgap ADD CONSTRAINT ledger_adoptedgap_order"
        " CHECK (first_value <= last_value) NOT VALID",
        "constraint",
        ("The constraint ledger_adoptedgap_order on ledger_adoptedgap is not valid", "were never checked"),
    ),
    Bypass(
        "a wider check",
        "ALTER TABLE ledger_adoptedgap DROP CONSTRAINT ledger_adoptedgap_order;"
        " ALTER TABLE ledger_adoptedgap ADD CONSTRAINT ledger_adoptedgap_order CHECK (first_value <= last_value + 9)",
        "constraint",
        ("The constraint ledger_adoptedgap_order on ledger_adoptedgap is another one", "(last_value + 9)"),
    ),
    Bypass(
        "a check more",
        "ALTER TABLE ledger_entry ADD CONSTRAINT few CHECK (value < 1000000)",
        "constraint",
        ("The constraint few on ledger_entry doesn't belong to the ledger", "can be refused"),
    ),
)

FUNCTIONS = (
    Bypass(
        "a function replaced",
        "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN RETURN OLD; END$$",
        "function",
        ("The function ledger_refuse_change() has another text", "what it refuses can pass"),
    ),
    Bypass(
        "a function dropped",
        "DROP FUNCTION ledger_latest_date(text, bigint)",
        "function",
        ("The function ledger_latest_date(text, bigint) is missing",),
    ),
    Bypass(
        "no search_path",
        "ALTER FUNCTION ledger_void_fits() RESET search_path",
        "function",
        (
            "The function ledger_void_fits() has the settings none, not search_path=pg_catalog, {schema}, pg_temp",
            "can pose as",
        ),
    ),
    Bypass(
        "another search_path",
        "ALTER FUNCTION ledger_void_fits() SET search_path = pg_temp, public",
        "function",
        ("The function ledger_void_fits() has the settings search_path=pg_temp, {schema}, not", "can pose as"),
    ),
    Bypass(
        "another setting",
        "ALTER FUNCTION ledger_void_fits() SET session_replication_role = replica",
        "function",
        ("The function ledger_void_fits() has the settings", "session_replication_role=replica"),
    ),
    Bypass(
        "an owner's rights taken away",
        "ALTER FUNCTION ledger_void_fits() SECURITY INVOKER",
        "function",
        ("ledger_void_fits() runs with the rights of its caller, not of its owner", "do its work with the caller's"),
    ),
    Bypass(
        "an owner's rights",
        "ALTER FUNCTION ledger_latest_date(text, bigint) SECURITY DEFINER",
        "function",
        (
            "ledger_latest_date(text, bigint) runs with the rights of its owner, not of its caller",
            "can use the owner's rights",
        ),
    ),
    Bypass(
        "another language",
        "DROP FUNCTION ledger_latest_date(text, bigint); CREATE FUNCTION ledger_latest_date(text, bigint) RETURNS date"
        " LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
        "function",
        ("The function ledger_latest_date(text, bigint) is another one", "language plpgsql, not sql"),
    ),
    Bypass(
        "an overloaded function",
        "CREATE FUNCTION ledger_latest_date(varchar, bigint) RETURNS date LANGUAGE sql AS 'SELECT NULL::date'",
        "function",
        ("The function ledger_latest_date(character varying, bigint) doesn't belong to the ledger", "in place of"),
    ),
    Bypass(
        "a hidden function",
        "CREATE SCHEMA app; CREATE FUNCTION app.ledger_latest_date(text, bigint) RETURNS date LANGUAGE sql"
        " AS 'SELECT NULL::date'; SET LOCAL search_path = app, public",
        "shadow",
        ("The function ledger_latest_date(text, bigint) is hidden", "that one is called"),
    ),
    Bypass(
        "a function that says it leaks nothing",
        "ALTER FUNCTION ledger_is_key(text) LEAKPROOF",
        "function",
        ("The function ledger_is_key(text) is another one", "leakproof yes, not none"),
    ),
    Bypass(
        "a function that the planner replaces",
        "ALTER FUNCTION ledger_latest_date(text, bigint) SUPPORT generate_series_int8_support",
        "function",
        ("The function ledger_latest_date(text, bigint) is another one", "support generate_series_int8_support"),
    ),
    Bypass(
        "another language of the same name",
        "CREATE FUNCTION handles() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';"
        " CREATE OR REPLACE LANGUAGE plpgsql HANDLER handles",
        "function",
        ("The language plpgsql is run by public.handles(), not by PostgreSQL's own handler",),
    ),
    Bypass(
        "statistics that run code",
        "CREATE FUNCTION spy(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';"
        " CREATE STATISTICS ours ON spy(document), tenant FROM ledger_entry",
        "definer",
        ("The statistics ours on ledger_entry run public.spy(text)", "the rights of the ledger's owner"),
    ),
    Bypass(
        "a definer in an extension",
        ROLE
        + "CREATE FUNCTION do_it(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN EXECUTE $1; END$$;"
        " ALTER EXTENSION plpgsql ADD FUNCTION do_it(text); GRANT CREATE ON SCHEMA public TO folio_stranger;"
        " ALTER FUNCTION do_it(text) OWNER TO folio_stranger",
        "definer",
        ("The function public.do_it(text) doesn't belong to the ledger", "the rights of folio_stranger"),
    ),
    Bypass(
        "a definer of the owner in another schema",
        "CREATE SCHEMA app; CREATE FUNCTION app.ledger_void(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
        " AS $$BEGIN EXECUTE $1; END$$; DO $$BEGIN EXECUTE format('GRANT CREATE ON SCHEMA app TO %1$I;"
        " ALTER FUNCTION app.ledger_void(text) OWNER TO %1$I',"
        " (SELECT tableowner FROM pg_tables WHERE tablename = 'ledger_entry')); END$$",
        "definer",
        ("The function app.ledger_void(text) doesn't belong to the ledger", "whoever calls it"),
    ),
    Bypass(
        "an overloaded function in another schema",
        "CREATE SCHEMA app; CREATE FUNCTION app.ledger_void(text, text) RETURNS bigint LANGUAGE sql AS 'SELECT 1';"
        " SET LOCAL search_path = public, app",
        "shadow",
        ("The function app.ledger_void(text,text) has the name of one of the ledger's", "that one is called"),
    ),
    Bypass(
        "a definer of a role that inherits from the owner",
        ROLE + "CREATE SCHEMA app; CREATE FUNCTION app.do_it(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
        " AS $$BEGIN EXECUTE $1; END$$; GRANT CREATE ON SCHEMA app TO folio_stranger;"
        f" ALTER FUNCTION app.do_it(text) OWNER TO folio_stranger; {_as_owner('GRANT %I TO folio_stranger')}",
        "definer",
        ("The function app.do_it(text) doesn't belong to the ledger", "the rights of folio_stranger"),
    ),
    Bypass(
        "somebody else's definer",
        "CREATE FUNCTION do_it(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN EXECUTE $1; END$$",
        "definer",
        ("The function public.do_it(text) doesn't belong to the ledger", "whoever calls it", "its caller may not"),
    ),
)

OWNERS = (
    Bypass(
        "a table of somebody else",
        ROLE + "GRANT CREATE ON SCHEMA public TO folio_stranger; ALTER TABLE ledger_slot OWNER TO folio_stranger",
        "owner",
        ("The table ledger_slot is owned by folio_stranger", "can change and drop it"),
    ),
    Bypass(
        "a function of somebody else",
        ROLE + "GRANT CREATE ON SCHEMA public TO folio_stranger;"
        " ALTER FUNCTION ledger_entry_fits() OWNER TO folio_stranger",
        "owner",
        ("The function ledger_entry_fits() is owned by folio_stranger",),
    ),
    Bypass(
        "an operator of somebody else",
        ROLE + "GRANT CREATE ON SCHEMA public TO folio_stranger; SET LOCAL ROLE folio_stranger;"
        " CREATE FUNCTION same(varchar, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
        " CREATE OPERATOR public.= (FUNCTION = same, LEFTARG = varchar, RIGHTARG = text); RESET ROLE",
        "owner",
        (
            "The operator public.=(character varying,text) in the ledger's schema is owned by folio_stranger",
            "called in place",
        ),
    ),
    Bypass(
        "the schema of somebody else",
        ROLE + "ALTER SCHEMA public OWNER TO folio_stranger",
        "owner",
        ("The schema public is owned by folio_stranger", "can drop everything in it"),
    ),
    Bypass(
        "the database of somebody else",
        ROLE + "DO $$BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO folio_stranger', current_database()); END$$",
        "owner",
        ("The database ", " is owned by folio_stranger", "can drop everything in it"),
    ),
)

PRIVILEGES = (
    Bypass(
        "everything to everybody",
        "GRANT ALL ON ledger_numbervoided TO PUBLIC",
        "privilege",
        ("Every role has DELETE on table ledger_numbervoided, by PUBLIC", "it can take rows away"),
    ),
    Bypass(
        "reading for everybody",
        "GRANT SELECT ON ledger_entry TO PUBLIC",
        "privilege",
        ("Every role has SELECT on table ledger_entry, by PUBLIC", "whoever can connect reads it"),
    ),
    Bypass(
        "a column for everybody",
        "GRANT UPDATE (last_value) ON ledger_period TO PUBLIC",
        "privilege",
        ("Every role has UPDATE (last_value) on table ledger_period, by PUBLIC", "it can change rows"),
    ),
    Bypass(
        "inserting",
        ROLE + "GRANT INSERT ON ledger_entry TO folio_stranger",
        "privilege",
        ("The role folio_stranger has INSERT on table ledger_entry", "past the functions that check them"),
    ),
    Bypass(
        "an inner function",
        ROLE + "GRANT EXECUTE ON FUNCTION ledger_claim_gap TO folio_stranger",
        "privilege",
        ("The role folio_stranger has EXECUTE on function ledger_claim_gap(", "only the ledger's own roles"),
    ),
    Bypass(
        "a function for everybody",
        "GRANT EXECUTE ON FUNCTION ledger_void TO PUBLIC",
        "privilege",
        ("Every role has EXECUTE on function ledger_void(", "by PUBLIC"),
    ),
    Bypass(
        "deleting",
        ROLE + "GRANT DELETE ON ledger_entry TO folio_stranger",
        "privilege",
        ("The role folio_stranger has DELETE on table ledger_entry", "it can take rows away"),
    ),
    Bypass(
        "triggers",
        ROLE + "GRANT TRIGGER ON ledger_entry TO folio_stranger",
        "privilege",
        ("The role folio_stranger has TRIGGER on table ledger_entry", "code of its own"),
    ),
    Bypass(
        "changing all columns",
        ROLE + "GRANT UPDATE ON ledger_period TO folio_stranger",
        "privilege",
        ("The role folio_stranger has UPDATE on table ledger_period", "it can change rows"),
    ),
    Bypass(
        "changing one column",
        ROLE + "GRANT UPDATE (tenant) ON ledger_period TO folio_stranger",
        "privilege",
        ("The role folio_stranger has UPDATE (tenant) on table ledger_period",),
    ),
    Bypass(
        "passing it on",
        ROLE + "GRANT INSERT ON ledger_sweeprun TO folio_stranger WITH GRANT OPTION",
        "privilege",
        ("The role folio_stranger may grant INSERT on table ledger_sweeprun to others",),
    ),
    Bypass(
        "a sequence",
        ROLE + "GRANT UPDATE ON SEQUENCE ledger_entry_id_seq TO folio_stranger",
        "privilege",
        ("The role folio_stranger has UPDATE on sequence ledger_entry.id",),
    ),
    Bypass(
        "the schema",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "privilege",
        ("Every role has CREATE on schema public, by PUBLIC", "functions, operators and tables that are taken for"),
    ),
)

REVOKED = (
    Bypass(
        "the owner's reading",
        _as_owner("REVOKE SELECT ON ledger_period FROM %I"),
        "revoked",
        ("The ledger's owner ", " has no SELECT on table ledger_period: what reads it, such as issuing"),
    ),
    Bypass(
        "the owner's writing",
        _as_owner("REVOKE ALL ON ledger_numbervoided FROM %I"),
        "revoked",
        (" has no INSERT on table ledger_numbervoided: what writes a row to it is refused, whoever calls it",),
    ),
    Bypass(
        "the owner's locking of what others refer to",
        _as_owner("REVOKE UPDATE ON ledger_entry FROM %I"),
        "revoked",
        (" has no UPDATE on table ledger_entry", "as foreign keys to it do, is refused"),
    ),
    Bypass(
        "the owner's emptying of queues",
        _as_owner("REVOKE DELETE ON ledger_slot FROM %I"),
        "revoked",
        (" has no DELETE on table ledger_slot",),
    ),
    Bypass(
        "the owner's ids",
        _as_owner("REVOKE ALL ON SEQUENCE ledger_entry_id_seq FROM %I"),
        "revoked",
        (" has no USAGE on sequence of ledger_entry.id",),
    ),
    Bypass(
        "the owner's calls",
        _as_owner("REVOKE ALL ON FUNCTION ledger_take_serial FROM %I"),
        "revoked",
        (" has no EXECUTE on function ledger_take_serial(", "what calls it is refused"),
    ),
    Bypass(
        "calls of PostgreSQL's own functions",
        "REVOKE EXECUTE ON FUNCTION sha256(bytea) FROM PUBLIC",
        "revoked",
        (" has no EXECUTE on function sha256(bytea): what calls it is refused",),
    ),
    Bypass(
        "PostgreSQL's own schema",
        "REVOKE USAGE ON SCHEMA pg_catalog FROM PUBLIC",
        "revoked",
        (" has no USAGE on schema pg_catalog",),
    ),
    Bypass(
        "the owner's schema",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC; "
        + _as_owner("REVOKE ALL ON SCHEMA public FROM %I")
        + "; ALTER SCHEMA public OWNER TO CURRENT_USER",
        "revoked",
        (" has no USAGE on schema public",),
    ),
)

COUNTERS = "CREATE VIEW counters AS SELECT * FROM ledger_period; "
VIEWS = (
    Bypass(
        "a view that writes",
        f"{ROLE}{COUNTERS}GRANT UPDATE ON counters TO folio_stranger",
        "privilege",
        ("The role folio_stranger has UPDATE on public.counters, which writes to the ledger with the rights of",),
    ),
    Bypass(
        "a column of a view",
        f"{ROLE}{COUNTERS}GRANT UPDATE (last_value) ON counters TO folio_stranger",
        "privilege",
        ("The role folio_stranger has UPDATE on public.counters", "past the functions that check them"),
    ),
    Bypass(
        "a view of a view",
        f"{COUNTERS}CREATE VIEW waiting AS SELECT * FROM counters; GRANT DELETE ON waiting TO PUBLIC",
        "privilege",
        ("The role PUBLIC has DELETE on public.waiting, which writes to the ledger",),
    ),
    Bypass(
        "a view of the owner",
        f"{COUNTERS}{_as_owner('GRANT CREATE ON SCHEMA public TO %1$I; ALTER VIEW counters OWNER TO %1$I')};"
        f"{ROLE}GRANT INSERT ON counters TO folio_stranger",
        "privilege",
        ("The role folio_stranger has INSERT on public.counters, which writes to the ledger",),
    ),
    Bypass(
        "a rule of another table",
        f"{ROLE}CREATE TABLE visitors (id int); CREATE RULE more AS ON INSERT TO visitors"
        " DO ALSO DELETE FROM ledger_slot; GRANT INSERT ON visitors TO folio_stranger",
        "privilege",
        ("The role folio_stranger has INSERT on public.visitors, which writes to the ledger",),
    ),
)

AROUND = (
    Bypass(
        "a table in an extension",
        "ALTER EXTENSION plpgsql ADD TABLE ledger_holehealed",
        "extension",
        ("The table ledger_holehealed belongs to the extension plpgsql", "backups by pg_dump may lack it"),
    ),
    Bypass(
        "a trigger that goes with an extension",
        "ALTER TRIGGER ledger_entry_fits ON ledger_entry DEPENDS ON EXTENSION plpgsql",
        "extension",
        ("The trigger ledger_entry_fits on table ledger_entry belongs to the extension plpgsql",),
    ),
    Bypass(
        "a function in an extension",
        "ALTER EXTENSION plpgsql ADD FUNCTION ledger_void_fits()",
        "extension",
        ("The function ledger_void_fits() belongs to the extension plpgsql", "DROP EXTENSION drops it"),
    ),
    Bypass(
        "a cast between PostgreSQL's own types",
        "CREATE CAST (bigint AS text) WITH INOUT AS IMPLICIT",
        "not-checked",
        ("Not checked: schema, guards and privileges", "operator is not unique"),
    ),
    Bypass(
        "a role that writes all data",
        "CREATE ROLE folio_stranger LOGIN; GRANT pg_write_all_data TO folio_stranger",
        "privilege",
        ("The role folio_stranger is a member of pg_write_all_data", "around the ledger's grants"),
    ),
    Bypass(
        "a role of a purpose that came to a power",
        "CREATE ROLE folio_stranger CREATEROLE;"
        " INSERT INTO ledger_rolepurpose (role, purpose) VALUES ('folio_stranger', 'checkout')",
        "privilege",
        ("The role 'folio_stranger' may make roles (CREATEROLE)", "what it was granted doesn't limit it"),
    ),
    Bypass(
        "a role in replica mode",
        ROLE + "ALTER ROLE folio_stranger SET session_replication_role = replica",
        "session-setting",
        ("Sessions of the role folio_stranger begin with session_replication_role = replica", "foreign keys"),
    ),
    Bypass(
        "a library in every session",
        "ALTER ROLE ALL SET session_preload_libraries = 'mine'",
        "session-setting",
        ("Sessions of every role begin with session_preload_libraries = mine", "code of others"),
    ),
)

BYPASSES = (
    *TABLES,
    *COLUMNS,
    *TRIGGERS,
    *INDEXES,
    *CONSTRAINTS,
    *FUNCTIONS,
    *OWNERS,
    *PRIVILEGES,
    *REVOKED,
    *VIEWS,
    *AROUND,
)
