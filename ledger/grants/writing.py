"""Writing GRANT and REVOKE for one role, with every name quoted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString, Self, cast

from django.db import connections
from django.db.models import Model
from psycopg.sql import SQL, Composed, Identifier

# The schema and database that the ledger is in, and the sequence of its entries' ids.
_PLACE = """
    SELECT n.nspname, current_database(), q.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class q ON q.oid = pg_get_serial_sequence('ledger_entry', 'id')::regclass
    WHERE c.oid = to_regclass('ledger_entry')
"""

# The ledger's functions: those of the tables' schema and owner. Trigger functions need no grant to fire.
_FUNCTIONS = """
    SELECT f.proname, oidvectortypes(f.proargtypes)
    FROM pg_proc f JOIN pg_class c ON c.oid = to_regclass('ledger_entry')
    WHERE f.pronamespace = c.relnamespace AND f.proowner = c.relowner AND starts_with(f.proname, 'ledger_')
      AND f.prorettype <> 'trigger'::regtype
    ORDER BY f.proname, f.oid
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and why it is there."""

    why: str
    sql: Composed


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the statements for ``role`` about the ledger's tables, where those are."""

    role: Identifier
    schema: str
    database: Identifier
    entry_ids: str
    functions: Composed

    @classmethod
    def of(cls, role: str, using: str) -> Self:
        """Look in the database where the ledger is."""
        with connections[using].cursor() as cursor:
            cursor.execute(_PLACE)
            schema, database, entry_ids = cursor.fetchone()
            cursor.execute(_FUNCTIONS)
            functions = [
                # PostgreSQL's own words for its own types.
                SQL("{}({})").format(Identifier(schema, name), SQL(cast(LiteralString, arguments)))
                for name, arguments in cursor.fetchall()
            ]
        return cls(Identifier(role), schema, Identifier(database), entry_ids, SQL(", ").join(functions))

    def say(self, why: str, template: LiteralString, **names: Composed | Identifier) -> Statement:
        """Any statement; ``{role}``, ``{database}``, ``{functions}`` and ``names`` stand in its template."""
        known = {"role": self.role, "database": self.database, "functions": self.functions, **names}
        return Statement(why, SQL(template).format(**known))

    def grant(self, why: str, privileges: LiteralString, *models: type[Model]) -> Statement:
        """These privileges on the tables of these models."""
        return self.grant_on(why, privileges, (model._meta.db_table for model in models))

    def grant_on(self, why: str, privileges: LiteralString, tables: Iterable[str]) -> Statement:
        """These privileges on tables by their names."""
        what = SQL(privileges)
        return Statement(why, SQL("GRANT {} ON TABLE {} TO {}").format(what, self.tables(tables), self.role))

    def update(self, why: str, model: type[Model], columns: Iterable[str]) -> Statement:
        """To update these columns, and no other."""
        names = SQL(", ").join(map(Identifier, columns))
        return self.say(why, "GRANT UPDATE ({names}) ON TABLE {table} TO {role}", names=names, table=self.table(model))

    def tables(self, names: Iterable[str]) -> Composed:
        """A list of tables."""
        return SQL(", ").join([Identifier(self.schema, name) for name in names])

    def table(self, model: type[Model]) -> Identifier:
        """One table."""
        return Identifier(self.schema, model._meta.db_table)
