"""Trial numbers in a schema of their own, as docs/guides/testing.md has it: they go, and the real ones stay."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import transaction
from psycopg.conninfo import make_conninfo

from ledger import define_series, issue
from ledger.models import Entry
from ledger.verification import verify
from tests.allocations import ALL
from tests.databases import as_plain_owner, database_alias, manage, migrated_database, plain_owner

#: Those whose numbers come only from the ledger.
ALLOCATIONS = [name for name in ALL if name != "remote"]


def number_one_of_each(alias: str) -> list[str]:
    """A checkout for each allocation; returns the numbers."""
    numbers = []
    for allocation in ALLOCATIONS:
        template = f"{allocation}-{{counter}}"
        define_series(allocation, template=template, calendar="never", allocation=allocation, using=alias)
        with transaction.atomic(using=alias):
            entry = issue(allocation, document="order:1", using=alias)
        numbers.append(str(entry))
    return numbers


def test_they_begin_at_one_and_go_away_with_their_schema(django_db_blocker: Any) -> None:
    expected = [f"{allocation}-1" for allocation in ALLOCATIONS]
    with (
        migrated_database("folio_trial") as url,
        psycopg.connect(url, autocommit=True) as owner,
        database_alias("real", url),
        django_db_blocker.unblock(),
    ):
        number_one_of_each("real")
        owner.execute(f"CREATE SCHEMA trial AUTHORIZATION {plain_owner()}")
        # So the guide names only one schema: else Django would find the migrations of the other, and make no tables.
        migrated = manage("migrate", url=make_conninfo(url, options="-c search_path=trial,public"))
        assert "No migrations to apply" in migrated.stdout
        trial_url = as_plain_owner(url, "-c search_path=trial")
        migrated = manage("migrate", "--verbosity", "0", url=trial_url)
        assert migrated.returncode == 0, migrated.stderr
        with database_alias("trial", trial_url):
            assert not Entry.objects.using("trial").exists()
            assert number_one_of_each("trial") == expected
            assert list(verify(using="trial")) == []
        owner.execute("DROP SCHEMA trial CASCADE")
        assert [str(entry) for entry in Entry.objects.using("real").order_by("pk")] == expected
        assert list(verify(using="real")) == []
        with transaction.atomic(using="real"):
            assert issue("serial", using="real").value == 2
