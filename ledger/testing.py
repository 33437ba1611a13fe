"""For the tests of host projects: allows flushing a test database, and only a test database.

Django's ``TransactionTestCase`` and ``pytest.mark.django_db(transaction=True)`` empty the tables by TRUNCATE, which the
ledger refuses. When a test runner migrates its own database, the refusal of TRUNCATE is dropped there; UPDATE and
DELETE stay refused. Nothing has to be set up.
"""

from typing import Any, Final

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import utils

from ledger.cursors import fetch_value
from ledger.databases import may_hold_ledger
from ledger.models.tables import event_tables

#: The trigger on each event table that keeps it from being emptied.
REFUSAL_OF_TRUNCATE: Final = "ledger_append_only_table"

# Whether one of some tables has a trigger of that name. Arguments: trigger, tables.
_REFUSED: Final = """
    SELECT EXISTS (SELECT FROM pg_trigger
                   WHERE tgname = %s AND tgrelid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) name))
"""


def is_test_database(connection: BaseDatabaseWrapper) -> bool:
    """Whether a test runner is running and made this database for itself.

    Both are checked: the state that ``setup_test_environment()`` leaves, and the name that ``create_test_db()`` gives.
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
                cursor.execute(f"DROP TRIGGER IF EXISTS {REFUSAL_OF_TRUNCATE} ON {table}")


def refuses_truncate(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database has a ledger whose event tables can't be emptied; those of test databases can."""
    if not may_hold_ledger(connection.alias):
        return False  # flush leaves alone what doesn't live there
    return bool(fetch_value(connection.alias, _REFUSED, [REFUSAL_OF_TRUNCATE, event_tables()]))
