"""What a role needs for its purposes, statement by statement, with every name quoted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString, Self, cast

from django.db import connections
from django.db.models import Model
from psycopg.sql import SQL, Composable, Composed, Identifier

from ledger.errors import GrantError
from ledger.grants.contributed import TableGrant, contributions
from ledger.grants.purposes import PURPOSES, READING
from ledger.grants.role import check_name
from ledger.models.tables import all_tables

# The schema and database that the ledger is in, and whether that schema holds the ledger's objects alone.
_PLACE = """
    SELECT n.nspname, current_database(), NOT EXISTS (
        SELECT FROM pg_class o
        WHERE o.relnamespace = n.oid AND o.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND NOT starts_with(o.relname, 'ledger_')
    )
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass('ledger_entry')
"""

# The ledger's functions: those of the tables' schema and owner.
_FUNCTIONS = """
    SELECT f.proname, oidvectortypes(f.proargtypes)
    FROM pg_proc f JOIN pg_class c ON c.oid = to_regclass('ledger_entry')
    WHERE f.pronamespace = c.relnamespace AND f.proowner = c.relowner AND starts_with(f.proname, 'ledger_')
    ORDER BY f.proname, f.oid
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and why it is there."""

    why: str
    sql: Composed


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where a ledger is, and what its functions are called with all their arguments."""

    schema: str
    database: str
    is_alone: bool
    functions: dict[str, list[Composed]]

    @classmethod
    def of(cls, using: str) -> Self:
        """Look in the database."""
        with connections[using].cursor() as cursor:
            cursor.execute(_PLACE)
            schema, database, is_alone = cursor.fetchone()
            cursor.execute(_FUNCTIONS)
            functions: dict[str, list[Composed]] = {}
            for name, arguments in cursor.fetchall():
                # PostgreSQL's own words for its own types.
                signature = SQL("{}({})").format(Identifier(schema, name), SQL(cast(LiteralString, arguments)))
                functions.setdefault(name, []).append(signature)
        return cls(schema, database, is_alone, functions)

    def tables(self, names: Iterable[str]) -> Composed:
        """A list of tables."""
        return SQL(", ").join([Identifier(self.schema, name) for name in names])

    def of_models(self, models: Iterable[type[Model]]) -> Composed:
        """The tables of models."""
        return self.tables(model._meta.db_table for model in models)

    def named(self, names: Iterable[str]) -> Composed:
        """A list of functions."""
        return SQL(", ").join([signature for name in sorted(names) for signature in self.functions[name]])


def grant_statements(
    role: str, purposes: Sequence[str], *, revoke_public: bool = False, using: str = "default"
) -> list[Statement]:
    """What gives ``role`` the least that its ``purposes`` need, and takes everything else in the ledger from it.

    ``revoke_public`` also takes temporary tables in this database away from everybody. Raises GrantError for an unknown
    purpose.
    """
    check_name(role)
    unknown = [purpose for purpose in purposes if purpose not in PURPOSES]
    if unknown or not purposes:
        raise GrantError(
            f"There is no purpose {', '.join(unknown)}." if unknown else "No purpose was named.",
            rule=f"A role is granted what it needs for one or several of {', '.join(PURPOSES)}.",
            remedy="Name each: --purpose checkout --purpose workers.",
        )
    ledger, others = Ledger.of(using), contributions(using)
    return list(_statements(Identifier(role), purposes, ledger, others, revoke_public=revoke_public))


def _statements(
    role: Identifier, purposes: Sequence[str], ledger: Ledger, others: list[TableGrant], *, revoke_public: bool
) -> Iterator[Statement]:
    def say(why: str, template: LiteralString, **names: Composable) -> Statement:
        return Statement(why, SQL(template).format(role=role, **names))

    schema, database = Identifier(ledger.schema), Identifier(ledger.database)
    everything = ledger.tables([*all_tables(), *(grant.table for grant in others)])
    every_function = ledger.named(ledger.functions)
    yield say("Whatever it had before", "REVOKE ALL ON TABLE {tables} FROM {role}", tables=everything)
    yield say("… and called", "REVOKE ALL ON FUNCTION {functions} FROM {role}", functions=every_function)
    yield say("What everybody had", "REVOKE ALL ON TABLE {tables} FROM PUBLIC", tables=everything)
    yield say(
        "PostgreSQL lets everybody call a new function",
        "REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC",
        functions=every_function,
    )
    if ledger.is_alone:
        yield say(
            "Nobody makes objects beside the ledger's",
            "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}",
            schema=schema,
        )
    if revoke_public:
        yield say(
            "Temporary tables, which nothing of Folio needs",
            "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {role}",
            database=database,
        )
    yield say("To find the tables", "GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema)
    yield say(
        "What queries over the ledger call",
        "GRANT EXECUTE ON FUNCTION {functions} TO {role}",
        functions=ledger.named(READING & set(ledger.functions)),
    )
    for name in purposes:
        purpose = PURPOSES[name]
        reads = ledger.of_models(purpose.reads) if purpose.reads else ledger.tables(all_tables())
        yield say(purpose.why, "GRANT SELECT ON TABLE {tables} TO {role}", tables=reads)
        if purpose.functions:
            yield say(
                f"The doors of {name}",
                "GRANT EXECUTE ON FUNCTION {functions} TO {role}",
                functions=ledger.named(purpose.functions),
            )
        for privileges, models in purpose.writes:
            yield say(
                "Copies, diaries and lists, which are no evidence",
                "GRANT {privileges} ON TABLE {tables} TO {role}",
                privileges=SQL(privileges),
                tables=ledger.of_models(models),
            )
        for grant in others if purpose.other_apps else ():
            yield say(
                grant.why,
                "GRANT SELECT, INSERT, UPDATE ({columns}) ON TABLE {table} TO {role}",
                columns=SQL(", ").join(map(Identifier, grant.columns)),
                table=Identifier(ledger.schema, grant.table),
            )
