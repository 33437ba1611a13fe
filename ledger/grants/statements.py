"""What a role needs for its purposes, statement by statement, with every name quoted; and whether grants limit it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import LiteralString, Self, cast

from django.db.models import Model
from psycopg.sql import SQL, Composable, Composed, Identifier

from ledger.cursors import fetch, fetch_value
from ledger.errors import GrantError, LedgerError
from ledger.grants.purposes import PURPOSES, READING, TableGrant, contributions
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

_EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"

# Powers that grants can't limit, of a role or of one that it can become, and who has each. Argument: role.
_POWERS = """
    WITH ledger AS (
        SELECT c.relowner, c.relnamespace, n.nspname, n.nspowner, d.datdba
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_database d ON d.datname = current_database()
        WHERE c.oid = to_regclass('ledger_entry')
    ), can_be AS (
        SELECT r.* FROM pg_roles r WHERE pg_has_role(%(role)s, r.oid, 'MEMBER')
    )
    SELECT power, through
    FROM ledger l CROSS JOIN LATERAL (
        SELECT 1, 'is a superuser', r.rolname FROM can_be r WHERE r.rolsuper
        UNION ALL
        SELECT 2, 'owns the ledger''s tables, or may become their owner', r.rolname
        FROM can_be r WHERE r.oid = l.relowner
        UNION ALL
        SELECT 3, 'owns this database, and so may drop the ledger''s schema', r.rolname
        FROM can_be r WHERE r.oid IN (l.datdba, l.nspowner)
        UNION ALL
        SELECT 4, 'may make roles (CREATEROLE), and so become another', r.rolname FROM can_be r WHERE r.rolcreaterole
        UNION ALL
        SELECT 5, 'may replicate (REPLICATION), and so read every row and token', r.rolname
        FROM can_be r WHERE r.rolreplication
        UNION ALL
        SELECT 6, 'is a member of ' || r.rolname || ', which reaches around the ledger''s grants', r.rolname
        FROM can_be r
        WHERE r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_maintain', 'pg_write_all_data')
        UNION ALL
        SELECT 7, 'may set session_replication_role, which silences ordinary triggers', r.rolname
        FROM can_be r WHERE has_parameter_privilege(r.oid, 'session_replication_role', 'SET, ALTER SYSTEM')
        UNION ALL
        SELECT 8, 'may make objects in the ledger''s schema ' || quote_ident(l.nspname)
                  || ', which its functions could take for their own', r.rolname
        FROM can_be r WHERE has_schema_privilege(r.oid, l.relnamespace, 'CREATE')
    ) AS p (rank, power, through)
    ORDER BY p.rank, p.through <> %(role)s
    LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and why it is there."""

    why: str
    sql: Composed


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where a ledger is, and the signatures of its functions by name."""

    schema: str
    database: str
    is_alone: bool
    functions: dict[str, list[Composed]]

    @classmethod
    def of(cls, using: str) -> Self:
        """Look in the database."""
        [(schema, database, is_alone)] = fetch(using, _PLACE)
        functions: dict[str, list[Composed]] = {}
        for name, arguments in fetch(using, _FUNCTIONS):
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


def missing(role: str, using: str) -> LedgerError | None:
    """The error that says that there is no ``role``, or None if there is one."""
    if fetch_value(using, _EXISTS, [role]):
        return None
    return GrantError(
        f"There is no role {role!r}.",
        rule="Privileges are given to a role that exists.",
        remedy=f"Make it first, as an administrator: CREATE ROLE \"{role}\" LOGIN PASSWORD '…';",
    )


def unbound(role: str, using: str) -> LedgerError | None:
    """Why grants would not limit ``role``, or None if they do."""
    if problem := missing(role, using):
        return problem
    found = fetch(using, _POWERS, {"role": role})
    if not found:
        return None
    [(power, through)] = found
    by_way = "" if through == role else f", by way of the role {through!r}"
    return GrantError(
        f"The role {role!r} {power}{by_way}.",
        rule="Grants don't limit such a role, so they would protect nothing.",
        remedy="Let the application log in as a role of its own that has none of these powers, and migrate as the "
        "owner. CREATE on a schema that holds more than the ledger is yours to take away: REVOKE CREATE ON SCHEMA … "
        "FROM PUBLIC; or give the ledger a schema of its own.",
    )


def check_name(role: str) -> None:
    """Raise GrantError unless ``role`` can be the name of a role: PostgreSQL cuts what is longer than 63 bytes."""
    if role and "\0" not in role and len(role.encode()) <= 63 and role.lower() != "public":
        return
    raise GrantError(
        f"The role {role!r} can't be given privileges.",
        rule="A role has a name of 1 to 63 bytes, and is not PUBLIC, which is everybody.",
        remedy="Pass the role that the application logs in as: --role shop_app.",
    )
