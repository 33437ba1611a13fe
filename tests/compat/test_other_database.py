"""``using`` names another database: the whole API works there, though the first database doesn't even have tables."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import sequences
from django.db import transaction

from ledger.compat import django_sequences
from ledger.models import Entry, Series
from ledger.verification import verify
from tests.databases import database_alias, migrated_database

OTHER = "compat_other"


@pytest.fixture(scope="module")
def other(django_db_blocker: Any) -> Iterator[str]:
    with migrated_database("folio_compat") as url, database_alias(OTHER, url), django_db_blocker.unblock():
        yield OTHER


@pytest.mark.parametrize("api", [sequences, django_sequences], ids=["original", "folio"])
def test_using(api: ModuleType, other: str) -> None:
    invoices = api.Sequence("invoices", using=other)
    assert [next(invoices), invoices.get_next_value(), invoices.get_last_value()] == [1, 2, 2]
    assert list(invoices.get_next_values(2)) == [3, 4]
    assert api.get_next_values(2, "invoices", using=other) == range(5, 7)
    assert api.get_last_value("invoices", using=other) == 6
    with transaction.atomic(using=other):
        assert api.get_next_value("invoices", using=other) == 7
        transaction.set_rollback(True, using=other)
    assert invoices.get_last_value() == 6
    assert (api.delete("invoices", using=other), api.delete("invoices", using=other)) == (True, False)
    assert invoices.get_last_value() is None


def test_reset_and_nowait_go_there_too(other: str) -> None:
    """For these two the original reads the default database, whatever ``using`` says."""
    tickets = django_sequences.Sequence("tickets", reset_value=3, using=other)
    assert [next(tickets) for _ in range(4)] == [1, 2, 1, 2]
    assert tickets.get_next_values(1, nowait=True) == range(3, 4)


def test_the_rows_stand_there(other: str) -> None:
    before = Entry.objects.using(other).count()
    django_sequences.get_next_values(3, "lots", using=other)
    assert Entry.objects.using(other).count() == before + 3
    assert Series.objects.using(other).filter(code="lots").count() == 1
    assert list(verify(using=other)) == []
