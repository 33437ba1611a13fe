"""Puts the functions and guards into the schema of a connection: in a migration, or again by ``ledger_install``.

Each function has one living file, ``functions/NAME.sql``; what guards the tables stands in ``guards.sql``. ``@schema@``
in them is the schema that they are put into, so that a function looks there and nowhere else.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.db import ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, DecimalField, Model, TextField

_FOLDER = Path(__file__).parent

#: Removed before it is made again: the kind, its name, its table.
_GUARD = re.compile(
    r"CREATE (?:CONSTRAINT )?(?P<kind>TRIGGER|INDEX) (?P<name>\w+)\s.*?\bON (?P<table>\w+)"
    r"|ALTER TABLE (?P<altered>\w+) ADD CONSTRAINT (?P<constraint>\w+)",
    re.DOTALL,
)
#: PostgreSQL's own functions that the ledger's call. Each is called by its full name in what is installed: were another
#: of that name in the ledger's schema, for the very types of a call, it would win, although pg_catalog comes first.
_BUILT_IN = re.compile(
    r"(?<![.\w])(abs|array_agg|array_append|array_cat|array_fill|array_position|array_remove|bool_or|btrim|cardinality|chr|clock_timestamp"
    r"|convert_to|count|current_database|current_query|current_setting|date_part|div|encode|format|generate_series|hashint8|hashtextextended"
    r"|json_build_array|json_build_object|jsonb_agg|jsonb_build_array|jsonb_build_object|jsonb_each|jsonb_object_agg|jsonb_object_keys"
    r"|jsonb_path_exists|jsonb_populate_record|jsonb_to_recordset|jsonb_typeof|lead|left|length|lpad|make_date|max|min|mxid_age|nextval"
    r"|numrange|octet_length|pg_advisory_xact_lock|pg_control_system|pg_current_snapshot|pg_current_xact_id|pg_current_xact_id_if_assigned|pg_get_expr|pg_get_multixact_members"
    r"|pg_get_serial_sequence|pg_is_in_recovery|pg_postmaster_start_time|pg_snapshot_xmax|pg_try_advisory_xact_lock|pg_xact_status|quote_ident|quote_literal"
    r"|regexp_matches|regexp_replace|repeat|replace|right|round|set_config|sha256|starts_with|string_agg|string_to_array|strpos"
    r"|substr|sum|to_char|to_json|to_jsonb|translate|trim_scale|upper|unnest(?=\([\w.]+\)))\("
)
#: The types that functions declare, but for words of PostgreSQL's grammar such as bigint. They are named in full too:
#: PL/pgSQL looks each up once in a session, by the search_path of the first call. A role's temporary domain would then
#: be that of later calls with the owner's rights, which run the domain's checks.
_DECLARATIONS = re.compile(r"^DECLARE\n.*?^BEGIN\n", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r"^(    \w+ (?:CONSTANT )?)(date|jsonb|record|text|timestamptz)\b", re.MULTILINE)
_SCHEMA = "SELECT current_schema()"
_FUNCTIONS = """
    SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND starts_with(p.proname, 'ledger_')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_APPEND_ONLY = """
CREATE TRIGGER ledger_append_only_rows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()
"""
_NEVER_EMPTIED = """
CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()
"""
# What a seal has not seen is found by its transaction. Rows come in nearly that order, so a few bytes for each stretch
# of the table will do.
_WRITTEN = """
CREATE INDEX {table}_written ON {table} USING brin (transaction_id) WITH (autosummarize = on, pages_per_range = 32)
"""


@cache
def function_texts() -> dict[str, str]:
    """Each function's name and text, with ``@schema@`` in it; ``@ledger_name@`` has become that function's body."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((_FOLDER / "functions").glob("*.sql"))}
    return {
        name: re.sub(r"@(ledger_\w+)@", lambda other: texts[other[1]].split("$$")[1].strip(), text)
        for name, text in texts.items()
    }


def guard_statements() -> Iterator[str]:
    """The statements of ``guards.sql``, one by one, and those that each event table gets."""
    # The texts alone can be read before there are models.
    from ledger.models.drafts import RemotePool
    from ledger.models.tables import ACCESS, DIARY, MIRROR, STAGING, event_tables

    text = re.sub(r"^\s*--.*\n", "", (_FOLDER / "guards.sql").read_text(encoding="utf-8"), flags=re.MULTILINE)
    yield from (statement.strip() for statement in text.split(";\n") if statement.strip())
    for table in event_tables():
        yield _APPEND_ONLY.format(table=table).strip()
        yield _NEVER_EMPTIED.format(table=table).strip()
        if f"INDEX {table}_written " not in text:
            yield _WRITTEN.format(table=table).strip()
    # What roles write by plain statements.
    written: tuple[type[Model], ...] = (*DIARY, *MIRROR, *ACCESS, *STAGING, RemotePool)
    yield from map(readable_constraint, written)


def readable_constraint(model: type[Model]) -> str:
    """The statement that keeps out of a table what programs can't read: moments, days, JSON, amounts, endless texts."""
    from ledger.models.readable import DayField, FactsField, MomentField

    fields = model._meta.concrete_fields
    checks = [
        each.ends.within(f'"{each.column}"')
        for kind in (MomentField, DayField)
        for each in fields
        if isinstance(each, kind)
    ]
    checks += [f'ledger_is_facts("{each.column}")' for each in fields if isinstance(each, FactsField)]
    checks += [f"\"{each.column}\" <> 'NaN'" for each in fields if isinstance(each, DecimalField)]
    checks += [f'length("{each.column}") <= {each.max_length}' for each in fields if isinstance(each, CharField)]
    checks += [f'octet_length("{each.column}") <= 1048576' for each in fields if isinstance(each, TextField)]
    table = model._meta.db_table
    return f"ALTER TABLE {table} ADD CONSTRAINT {table}_readable CHECK ({' AND '.join(checks)})"


def install(connection: BaseDatabaseWrapper) -> None:
    """Make all functions and guards in the schema that the connection works in, one statement at a time.

    What is there already is replaced, so that functions of a schema that was renamed, cloned or restored under another
    name look into their own. Call it in a transaction. What roles were granted on a function that had to be made anew
    must be granted again.
    """
    with connection.cursor() as cursor:
        _remove_guards(cursor)
        cursor.execute(_SCHEMA)
        schema = connection.ops.quote_name(*cursor.fetchone())
        # A function may call one that comes later in the alphabet.
        cursor.execute("SET LOCAL check_function_bodies = off")
        texts = function_texts()
        for name, signature in _functions(cursor):
            if name not in texts:
                cursor.execute(f"DROP FUNCTION {signature}")
        for name, text in texts.items():
            _make(connection, name, _named_in_full(text).replace("@schema@", schema))
        for _, signature in _functions(cursor):
            # PostgreSQL lets everybody call a new function.
            cursor.execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        for statement in guard_statements():
            cursor.execute(_named_in_full(statement))
            if (found := _GUARD.match(statement)) and found["kind"] == "TRIGGER":
                # Not to be silenced by session_replication_role.
                cursor.execute(f"ALTER TABLE {found['table']} ENABLE ALWAYS TRIGGER {found['name']}")


def _named_in_full(text: str) -> str:
    text = _DECLARATIONS.sub(lambda part: _DECLARED.sub(r"\1pg_catalog.\2", part[0]), text)
    return _BUILT_IN.sub(r"pg_catalog.\1(", text)


def _make(connection: BaseDatabaseWrapper, name: str, text: str) -> None:
    """Make or replace a function; one whose arguments or answer were others is dropped first."""
    with connection.cursor() as cursor:
        before = [signature for known, signature in _functions(cursor) if known == name]
        try:
            with transaction.atomic(using=connection.alias):
                cursor.execute(text)
        except ProgrammingError:
            for signature in before:
                cursor.execute(f"DROP FUNCTION {signature}")
            cursor.execute(text)
            return
        after = [signature for known, signature in _functions(cursor) if known == name]
        if len(before) == 1 and after != before:
            cursor.execute(f"DROP FUNCTION {before[0]}")


def uninstall(connection: BaseDatabaseWrapper) -> None:
    """Remove all guards, and then all functions of the ledger in this schema, also those of another version."""
    with connection.cursor() as cursor:
        _remove_guards(cursor)
        # In one statement: ledger_number is bound to ledger_dated_number, which can't be dropped before it.
        if signatures := ", ".join(signature for _, signature in _functions(cursor)):
            cursor.execute(f"DROP FUNCTION {signatures}")


def _remove_guards(cursor: Any) -> None:
    for statement in guard_statements():
        if (removal := _removal(statement)) is not None:
            cursor.execute(removal)


def _functions(cursor: Any) -> list[tuple[str, str]]:
    """Name and signature of the ledger's functions in this schema, but for those of extensions."""
    cursor.execute(_FUNCTIONS)
    return [(name, signature) for name, signature in cursor.fetchall()]


def _removal(statement: str) -> str | None:
    found = _GUARD.match(statement)
    if found is None:
        return None
    if found["kind"] == "TRIGGER":
        return f"DROP TRIGGER IF EXISTS {found['name']} ON {found['table']}"
    if found["kind"] == "INDEX":
        return f"DROP INDEX IF EXISTS {found['name']}"
    return f"ALTER TABLE {found['altered']} DROP CONSTRAINT IF EXISTS {found['constraint']}"
