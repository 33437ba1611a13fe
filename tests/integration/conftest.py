"""Fixtures that several files here use."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from psycopg.conninfo import make_conninfo

from ledger import define_series, issue
from ledger.models import Entry
from tests.databases import database_alias, migrated_database
from tests.integration import full_ledger
from tests.integration.adopting import Write
from tests.integration.planning import Connection
from tests.integration.poison import guards_down
from tests.provision import database_url


@pytest.fixture(scope="module")
def verified_url() -> Iterator[str]:
    with migrated_database("folio_verified") as url:
        yield url


@pytest.fixture(scope="module")
def ledger(verified_url: str, django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    """Django's connection to a ledger for tampering: it undoes whatever a test does."""
    with database_alias(full_ledger.ALIAS, verified_url) as connection, django_db_blocker.unblock():
        full_ledger.fill()
        yield connection


@pytest.fixture
def tamper(ledger: BaseDatabaseWrapper) -> Iterator[Callable[..., None]]:
    """Run statements with the guards off; all is undone after the test."""
    with full_ledger.undone(ledger):
        yield partial(full_ledger.tampered, ledger)


@pytest.fixture(scope="module")
def planning(django_db_setup: None) -> Iterator[Connection]:
    """A plain connection to the database of the tests, where each statement is a transaction: for pure functions."""
    url = make_conninfo(database_url(), dbname=connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as plain:
        yield plain


@pytest.fixture(scope="module")
def unguarded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The tests' database without triggers and check constraints, for all tests of the file."""
    with django_db_blocker.unblock(), guards_down():
        yield


@pytest.fixture
def root(admin_client: Client) -> Client:
    """A client of a superuser, for the admin's pages."""
    return admin_client


@pytest.fixture
def invoices() -> list[Entry]:
    """Three numbers of 2026."""
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    return [issue("invoice", document=f"order:{n}", on=date(2026, 3, n)) for n in (1, 2, 3)]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: str, header: str = "number,issued_at", name: str = "old.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return write
