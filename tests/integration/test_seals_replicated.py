"""A sealed ledger that logical replication carries to another server, of other settings: as the guide says."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from ledger import define_series, issue_many, void
from ledger.failures import Failures
from ledger.models import Entry, LedgerSeal
from ledger.seals.sealing import seal_all
from ledger.verification.seals import verify_seals
from tests.concurrency.crashing import CrashingServer, crashing_server
from tests.databases import database_alias
from tests.integration.test_seals import with_key

OLD, NEW = "old", "new"
OTHER = {"timezone": "Asia/Kathmandu", "datestyle": "ISO, DMY", "intervalstyle": "sql_standard"}


@pytest.fixture
def servers(django_db_blocker: Any) -> Iterator[tuple[CrashingServer, CrashingServer]]:
    """A ledger with two seals and rows that are not sealed yet; and an empty one, of other settings, elsewhere."""
    with (
        crashing_server(wal_level="logical", timezone="UTC") as old,
        crashing_server(**OTHER) as new,
        database_alias(OLD, old.url),
        database_alias(NEW, new.url),
        django_db_blocker.unblock(),
        with_key(),
    ):
        define_series("invoice", org="acme", template="INV-{year}-{counter:06}", using=OLD)
        number(OLD, "order:1", "order:2")
        assert seal_all(Failures(), using=OLD)["sealed"] == 2
        void(Entry.objects.using(OLD).get(document="order:2"), reason="wrong address", using=OLD)
        assert seal_all(Failures(), using=OLD)["sealed"] == 1
        number(OLD, "order:3")
        yield old, new


def number(alias: str, *documents: str) -> None:
    with transaction.atomic(using=alias):
        issue_many("invoice", documents=list(documents), org="acme", metadata={"price": 1.5}, using=alias)


def rows(alias: str, statement: str) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def tables() -> list[str]:
    """The ledger's tables, except the unlogged ones, which nobody replicates."""
    found = rows(
        NEW,
        r"SELECT relname FROM pg_class WHERE relname LIKE 'ledger\_%' AND relkind = 'r' AND relpersistence = 'p'"
        " ORDER BY 1",
    )
    return [name for (name,) in found]


def seal_output(*arguments: str, alias: str = NEW) -> str:
    out = StringIO()
    try:
        call_command("ledger_seal", *arguments, "--database", alias, stdout=out, stderr=StringIO())
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def replicate(old: CrashingServer, new: CrashingServer) -> None:
    """As the guide says: drop the subscriber's guards, copy all rows, set the sequences, make the guards again."""
    names = ", ".join(tables())
    for table in tables():
        rows(NEW, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    rows(NEW, f"TRUNCATE {names} CASCADE")
    rows(OLD, f"CREATE PUBLICATION folio FOR TABLE {names}")
    rows(NEW, f"CREATE SUBSCRIPTION folio CONNECTION '{old.url}' PUBLICATION folio")
    number(OLD, "order:4")  # while it runs
    arrived = "SELECT count(*) = 4 FROM ledger_entry"
    new.wait_for(arrived)
    new.wait_for("SELECT bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel")
    for table in tables():
        there = old.ask(f"SELECT count(*) FROM {table}")
        new.wait_for(f"SELECT count(*) = {there} FROM {table}")
    rows(NEW, "DROP SUBSCRIPTION folio")
    identities = rows(
        NEW,
        "SELECT attrelid::regclass::text, attname FROM pg_attribute"
        " WHERE attidentity <> '' AND attrelid::regclass::text = ANY (ARRAY['" + "','".join(tables()) + "'])",
    )
    for table, column in identities:
        rows(NEW, f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}")
    call_command("ledger_install", database=NEW, stdout=StringIO())


def plainly(server: CrashingServer, statement: str) -> list[tuple[Any, ...]]:
    """In a session with the server's own settings; Django's has its own time zone."""
    with psycopg.connect(server.url) as connection:
        return connection.execute(statement).fetchall()


def test_one_root_on_two_servers_and_a_new_era(servers: tuple[CrashingServer, CrashingServer]) -> None:
    old, new = servers
    replicate(old, new)
    for name, value in OTHER.items():
        assert plainly(new, f"SHOW {name}") == [(value,)] != plainly(old, f"SHOW {name}")
    identifier = "SELECT system_identifier FROM pg_control_system()"
    assert plainly(old, identifier) != plainly(new, identifier)

    lines = "SELECT source, line, personal FROM ledger_lines_v1() ORDER BY source, id"
    assert plainly(old, lines) == plainly(new, lines) != []
    assert list(verify_seals(NEW)) == [], "the leaves make the same roots there"

    number(NEW, "there:1")
    for refused in ("now", "status"):
        assert "was sealed on another server" in seal_output(refused)
    changed = "UPDATE ledger_entry SET document = '{}' WHERE value = 1"
    rows(NEW, "ALTER TABLE ledger_entry DISABLE TRIGGER USER")
    rows(NEW, changed.format("order:of a friend"))
    assert "1 rows are not as they were sealed: ledger_entry 1." in seal_output("new-era")
    assert (rows(NEW, "SELECT ledger_era()"), LedgerSeal.objects.using(NEW).count()) == ([(1,)], 3), "nothing was done"
    rows(NEW, changed.format("order:1"))
    call_command("ledger_install", database=NEW, stdout=StringIO())

    assert "A new era has begun, with seal 2 of the database." in seal_output("new-era")
    number(NEW, "there:2")
    assert "seals of " in seal_output("now")
    assert seal_output("verify") == "All rows are as they were sealed: 1 tenant.\n"
    sealed = rows(
        NEW,
        "SELECT e.document, array_agg(z.number) FROM ledger_entry e LEFT JOIN ledger_sealed_rows(ARRAY['acme']) z"
        " ON z.id = e.id AND z.source = 'ledger_entry' GROUP BY 1",
    )
    later = ("order:3", "order:4", "there:1", "there:2")
    assert dict(sealed) == {"order:1": [1], "order:2": [1]} | {document: [3] for document in later}
