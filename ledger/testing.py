"""For the tests of host projects: lets a test database, and only a test database, be flushed.

It also knows whether the tests' database was made without migrations, in which case the ledger can't work.

Django's ``TransactionTestCase`` and ``pytest.mark.django_db(transaction=True)`` empty the tables by TRUNCATE, which the
ledger refuses. When a test runner migrates its own database, the refusal of TRUNCATE is dropped there; UPDATE and
DELETE stay refused. Nothing has to be set up.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.test import utils

from ledger.models.tables import event_tables

#: The trigger on each event table that keeps it from being emptied.
_REFUSAL: Final = "ledger_append_only_table"


def is_test_database(connection: BaseDatabaseWrapper) -> bool:
    """Whether a test runner is at work and made this very database for itself.

    Both are asked: the state that ``setup_test_environment()`` leaves, and the name that ``create_test_db()`` gives.
    """
    if not hasattr(utils._TestState, "saved_data"):
        return False
    test_name = connection.settings_dict.get("TEST", {}).get("NAME")
    name = str(connection.settings_dict["NAME"])
    return name == test_name or name.startswith("test_")


def let_test_database_flush(*, using: str, **kwargs: Any) -> None:
    """After migrations in a test database, drop the refusal of TRUNCATE. Anywhere else, do nothing."""
    connection = connections[using]
    if connection.vendor != "postgresql" or not is_test_database(connection):
        return
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in event_tables():
            if table in present:
                cursor.execute(f"DROP TRIGGER IF EXISTS {_REFUSAL} ON {table}")


def refuses_truncate(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database has a ledger whose events can't be emptied; those of test databases can."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = %s"
            " AND tgrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name))",
            [_REFUSAL, event_tables()],
        )
        refuses: bool = cursor.fetchone()[0]
    return refuses


def made_without_migrations() -> str:
    """What made the ledger's tables from its models, without its migrations; empty if nothing did.

    Then the tables are there, but none of the functions and triggers that number and guard.
    """
    if MigrationLoader.migrations_module("ledger")[0] is None:
        return "the setting MIGRATION_MODULES, which pytest's --nomigrations changes, switches the migrations off"
    if hasattr(utils._TestState, "saved_data"):
        for alias, settings in connections.settings.items():
            if settings.get("TEST", {}).get("MIGRATE") is False:
                return f"DATABASES[{alias!r}]['TEST']['MIGRATE'] is False"
    return ""
