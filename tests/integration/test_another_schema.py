"""A schema that was renamed, cloned or restored under another name: ``ledger_verify`` says that its functions look
elsewhere, and ``ledger_install`` makes them look at home.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction

from ledger import close_period, define_series, issue, issue_many, void
from ledger.errors import PeriodClosed
from ledger.models import Entry, Period
from ledger.models.tables import event_tables
from ledger.verification import verify
from tests.databases import as_plain_owner, database_alias, migrated_database, new_database, plain_owner
from tests.provision import client_program

OLD, NEW = "where it was", "where it is"
DAY = date(2026, 5, 5)


@dataclass(frozen=True)
class Moved:
    """Whether the ledger is also still in its old schema."""

    is_copy: bool


@contextmanager
def renamed(url: str) -> Iterator[str]:
    """The ledger has another name, and nothing has its old one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SCHEMA public RENAME TO books")
        connection.execute("CREATE SCHEMA public")
    yield url


@contextmanager
def cloned(url: str) -> Iterator[str]:
    """The ledger stands beside its copy, in one database."""
    dump = program("pg_dump", "-n", "public", "-d", url).replace("public.", "books.")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA books AUTHORIZATION {plain_owner()}")
    kept = (line for line in dump.splitlines() if "SCHEMA public" not in line)
    program("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", url, given="\n".join(kept))
    yield url


@contextmanager
def restored(url: str) -> Iterator[str]:
    """A backup was played back on another server, and renamed there."""
    dump = program("pg_dump", "-n", "public", "-d", url)
    with new_database("folio_played_back", owned=True) as copy:
        kept = (line for line in dump.splitlines() if "SCHEMA public" not in line)
        program("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", copy, given="\n".join(kept))
        with renamed(copy) as there:
            yield there


def program(name: str, *arguments: str, given: str | None = None) -> str:
    found = client_program(name)
    if found is None:
        pytest.skip(f"there is no {name} on this machine")
    done = subprocess.run([found, *arguments], input=given, capture_output=True, text=True, check=False)
    if "server version mismatch" in done.stderr:
        pytest.skip(f"the {name} of this machine is of another version")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=[renamed, cloned, restored], ids=lambda way: way.__name__)
def moved(request: pytest.FixtureRequest, django_db_blocker: pytest.FixtureRequest) -> Iterator[Moved]:
    """A ledger with numbers, one of them void, in the schema ``books``; the alias NEW works there as its owner."""
    way: Callable[[str], AbstractContextManager[str]] = request.param
    with django_db_blocker.unblock(), migrated_database("folio_moved") as url:  # type: ignore[attr-defined]
        with database_alias(OLD, url):
            for allocation in ("serial", "pooled", "reserved", "at_commit"):
                define_series(
                    allocation, template=f"{allocation}-{{year}}-{{counter}}", allocation=allocation, using=OLD
                )
                with transaction.atomic(using=OLD):
                    first, _ = issue_many(allocation, documents=["a", "b"], on=DAY, using=OLD)
                    str(first)
            void(Entry.objects.using(OLD).get(series__code="serial", value=1), reason="returned", using=OLD)
        with way(url) as there, database_alias(NEW, as_plain_owner(there, "-csearch_path=books")):
            if way is not cloned:
                yield Moved(is_copy=False)
                return
            with database_alias(OLD, url):
                yield Moved(is_copy=True)


def install() -> str:
    out = StringIO()
    call_command("ledger_install", database=NEW, stdout=out)
    return out.getvalue()


def test_verify_says_what_is_wrong_and_names_the_command(moved: Moved) -> None:
    found = [finding for finding in verify(using=NEW) if finding.check == "function"]
    [told] = [finding for finding in found if "ledger_issue_serial_many(" in finding.problem]
    assert "search_path=pg_catalog, public, pg_temp, not search_path=pg_catalog, {schema}, pg_temp" in told.problem
    assert "manage.py ledger_install" in told.remedy
    with pytest.raises(CommandError) as raised:
        call_command("ledger_verify", database=NEW, stdout=StringIO(), stderr=StringIO())
    assert raised.value.returncode == 2


@pytest.mark.parametrize("how", ["ledger_install", "migrate"])
def test_everything_works_and_is_guarded_there_afterwards(moved: Moved, how: str) -> None:
    """``migrate`` does what the command does, where it works in a clone."""
    if how == "migrate":
        call_command("migrate", database=NEW, verbosity=0, stdout=StringIO())
    else:
        assert "were made in 'books'" in install()
    assert [str(finding) for finding in verify(using=NEW)] == []
    before = Entry.objects.using(OLD).count() if moved.is_copy else 0
    for allocation in ("serial", "pooled", "reserved", "at_commit"):
        with transaction.atomic(using=NEW):
            entry = issue(allocation, document="c", on=DAY, using=NEW)
            assert str(entry) == f"{allocation}-2026-3"
    void(Entry.objects.using(NEW).get(series__code="serial", value=2), reason="returned", using=NEW)
    for table in event_tables():
        for statement in (f"UPDATE {table} SET tenant = tenant", f"TRUNCATE {table} CASCADE"):
            with connections[NEW].cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                if not cursor.fetchone()[0] and statement.startswith("UPDATE"):
                    continue
                with pytest.raises(DatabaseError, match="append-only|never"), transaction.atomic(using=NEW):
                    cursor.execute(statement)
    # Each guard looks at its own tables: the period is closed here, and open where the ledger was.
    close_period(Period.objects.using(NEW).get(series__code="serial"), early=True, using=NEW)
    with pytest.raises(PeriodClosed), transaction.atomic(using=NEW):
        issue("serial", document="d", on=DAY, using=NEW)
    assert [str(finding) for finding in verify(using=NEW)] == []
    if moved.is_copy:
        assert Entry.objects.using(OLD).count() == before
        with transaction.atomic(using=OLD):
            assert str(issue("serial", document="d", on=DAY, using=OLD)) == "serial-2026-3"
        assert [str(finding) for finding in verify(using=OLD)] == []


def test_it_needs_nothing_from_its_old_place(moved: Moved) -> None:
    install()
    if moved.is_copy:
        connections[OLD].close()
        with connections[OLD].cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
    assert [str(finding) for finding in verify(using=NEW)] == []
    with transaction.atomic(using=NEW):
        assert issue("serial", document="c", on=DAY, using=NEW).value == 3


def test_a_copy_that_was_not_installed_writes_into_the_original(moved: Moved) -> None:
    """Why ``ledger_verify`` calls it tampering: its functions reach into the other ledger, if that is there."""
    if not moved.is_copy:
        with pytest.raises(DatabaseError), transaction.atomic(using=NEW):
            issue("serial", document="c", on=DAY, using=NEW)
        return
    there, here = (Entry.objects.using(alias).count() for alias in (OLD, NEW))
    with transaction.atomic(using=NEW), connections[NEW].cursor() as cursor:
        cursor.execute("SELECT ledger_issue_serial('', 'serial', %s, NULL, 'c', '', '{}', NULL)", [DAY])
    assert (Entry.objects.using(OLD).count(), Entry.objects.using(NEW).count()) == (there + 1, here)
