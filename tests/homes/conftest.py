"""Four homes: two schemas on each of two servers, or in each of two databases of the server of DATABASE_URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

from ledger import homes
from ledger.site import embedded
from ledger.testing import REFUSAL_OF_TRUNCATE
from tests.databases import database_alias, new_database
from tests.provision import EMBEDDED, POSTGRES_CONF, database_origin, folder

HOMES = ("first:north", "first:south", "second:north", "second:south")
ROUTERS = ["ledger.homes.HomeRouter", f"{__name__}.FirstHome"]
#: One tenant in each home.
TENANTS = dict(zip(("ada", "bob", "cleo", "dora"), HOMES, strict=True))


@pytest.fixture(scope="package")
def servers(django_db_blocker: Any) -> Iterator[None]:
    """The aliases ``first`` and ``second``, and the four homes, migrated."""
    with ExitStack() as stack:
        urls = [stack.enter_context(new_database("folio_homes_first"))]
        if database_origin() == EMBEDDED:
            second = folder() / "second"
            urls.append(embedded.start_postgres(second, configuration=POSTGRES_CONF, cleanup_mode="stop"))
        else:
            urls.append(stack.enter_context(new_database("folio_homes_second")))
        stack.enter_context(django_db_blocker.unblock())
        for alias, url in zip(("first", "second"), urls, strict=True):
            _distribute_where_it_can(stack.enter_context(database_alias(alias, url)))
        with override_settings(LEDGER={"HOMES": f"{__name__}.mapping"}, DATABASE_ROUTERS=ROUTERS):
            call_command("ledger_home", "migrate", verbosity=0)
        yield
        for home in HOMES:
            connections[home].close()
            del connections.settings[home]


def _distribute_where_it_can(connection: BaseDatabaseWrapper) -> None:
    """On a server with Citus, let each schema be placed on a node."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus')")
        if cursor.fetchone()[0]:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS citus")
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"ALTER DATABASE {name} SET citus.enable_schema_based_sharding = on")
    connection.close()


def mapping(tenant: str | None) -> Any:
    """The value of LEDGER["HOMES"]: only the four homes."""
    return HOMES if tenant is None else TENANTS.get(tenant, "first:north")


@pytest.fixture
def four(servers: None, django_db_blocker: Any) -> Iterator[tuple[str, ...]]:
    """Sets LEDGER["HOMES"]; the ledgers of all homes are emptied afterwards."""
    with (
        django_db_blocker.unblock(),
        override_settings(
            LEDGER={"HOMES": f"{__name__}.mapping", "MAX_DAYS_AHEAD": 4_000_000}, DATABASE_ROUTERS=ROUTERS
        ),
    ):
        yield HOMES
        for home in homes.homes():
            _empty(home)


@pytest.fixture
def root(four: Any) -> Iterator[User]:
    """A superuser, in the default database, which has the users."""
    user = User.objects.create_superuser("root")
    yield user
    user.delete()


class FirstHome:
    """Routes users, sessions and everything else without a home to the first one."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return HOMES[0]

    db_for_write = db_for_read


def _empty(home: str) -> None:
    """Empty a ledger without its guards, as Folio allows in a test runner's own database."""
    with connections[home].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = %s)"
            " FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
            " AND c.relname ~ '^(ledger|workers|shop)_'",
            [REFUSAL_OF_TRUNCATE],
        )
        tables = dict(cursor.fetchall())
        refusing = [table for table, refuses in tables.items() if refuses]
        cursor.execute("; ".join(f"ALTER TABLE {table} DISABLE TRIGGER {REFUSAL_OF_TRUNCATE}" for table in refusing))
        cursor.execute(f"TRUNCATE {', '.join(tables)}")
        cursor.execute(
            "; ".join(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {REFUSAL_OF_TRUNCATE}" for table in refusing)
        )
    connections[home].close()
