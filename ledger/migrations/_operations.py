"""Migration operations: put in functions and guards; refuse what is not PostgreSQL, and to lose what is kept."""

from typing import Any

from django.core import exceptions
from django.core.management.base import CommandError
from django.db import router
from django.db.migrations.operations.base import Operation

from ledger import errors
from ledger.sql import installing


# `manage.py migrate` shows the text of a CommandError, without a traceback.
class LedgerInUse(errors.LedgerInUse, CommandError): ...


class ImproperlyConfigured(exceptions.ImproperlyConfigured, CommandError): ...


def is_home(app_label: str, schema_editor: Any) -> bool:
    """Whether the routers keep the app in this database; Django's own operations make no table where they don't."""
    return router.allow_migrate(schema_editor.connection.alias, app_label)


class _OfDatabase(Operation):
    """Leaves the models as they are, and does nothing in a direction that a subclass doesn't define."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models stay as they are."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing has to be done."""

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing has to be undone."""


class InstallFunctionsAndGuards(_OfDatabase):
    """Puts the living functions and guards (``ledger.sql.installing``) into the schema; backward takes them out.

    Nothing is released yet, so a migration has no texts of its own: they may still change. From the first release on, a
    changed function comes with a migration that carries its text.
    """

    reduces_to_sql = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not is_home(app_label, schema_editor):
            return
        # Constraints and foreign keys that Django has put off come first.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in schema_editor.deferred_sql:
            schema_editor.execute(statement)
        schema_editor.deferred_sql.clear()
        installing.install(schema_editor.connection)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if is_home(app_label, schema_editor):
            installing.uninstall(schema_editor.connection)

    def describe(self) -> str:
        return "Installs the ledger's functions and guards"


class RequirePostgreSQL(_OfDatabase):
    """Changes nothing; raises ImproperlyConfigured on any other database, before a table is left behind there."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        vendor = schema_editor.connection.vendor
        if vendor != "postgresql" and is_home(app_label, schema_editor):
            raise ImproperlyConfigured(
                f"The database {schema_editor.connection.alias!r} is {vendor}. Folio's guarantees rest on PostgreSQL "
                "15 or newer. Point DATABASES at PostgreSQL, or let a router of DATABASE_ROUTERS keep the app "
                f"{app_label!r} to a PostgreSQL database: its allow_migrate() decides."
            )

    def describe(self) -> str:
        return "Requires PostgreSQL"


class KeepRows(_OfDatabase):
    """Changes nothing forward; backward it raises LedgerInUse as long as ``table`` has rows.

    It stands in the latest migration of a release, which is the first to be taken back: so a ledger is never left
    half taken down, with its rows and without their guards.
    """

    def __init__(self, table: str) -> None:
        self.table = table

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.table], {})

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not is_home(app_label, schema_editor):
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.table}")  # noqa: S608  (a name from our own migrations)
            count = cursor.fetchone()[0]
        if count:
            raise LedgerInUse(
                f"The table {self.table} of the database {schema_editor.connection.alias!r} has {count:,} rows, which "
                f"migrating {app_label} back to before this migration would lose.",
                rule="What the ledger keeps is evidence: a number that was given out is never forgotten.",
                remedy="Stay at this migration: an older Folio may have to be restored out of a backup of its time. "
                "To be rid of a ledger that was a trial, drop its database or schema.",
            )

    def describe(self) -> str:
        return f"Keeps the rows of {self.table}"
