"""Old names of sequences, one for each year or month, which become periods of one series."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import sequences
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction

from ledger import issue
from ledger.compat import django_sequences as folio
from ledger.compat.moving import systems
from ledger.errors import InvalidDate, InvalidSeries, LockTimeout
from ledger.models import Adoption, Entry, Period
from ledger.verification import verify
from tests.concurrency.checkouts import checkouts

NAMES = {
    r"invoice_numbers_1_2_(?P<year>[0-9]+)_(?P<month>[0-9]+)": {
        "series": "plans-invoice",
        "org": "shop-7",
        "template": "{counter}/FV/{month}/{year}",
        "calendar": "month",
        "max_days_ahead": 1000,
    },
    "tickets": {"series": "ticket"},
}


@pytest.fixture(autouse=True)
def sound(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.LEDGER_COMPAT = {"OLD_NAMES": NAMES}
    yield
    with connection.cursor() as cursor:
        for trigger in ("ledger_moved_counter", "ledger_moved_new_counter"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {systems.TABLES['django-sequences'][0]}")
    assert list(verify()) == []


def numbers() -> list[str]:
    return list(Entry.objects.order_by("period__starts_on", "value").values_list("number", flat=True))


def test_a_name_is_a_period_of_a_series() -> None:
    assert folio.get_next_value("invoice_numbers_1_2_2026_10") == 1
    assert list(folio.get_next_values(2, "invoice_numbers_1_2_2026_10")) == [2, 3]
    assert folio.get_next_value("invoice_numbers_1_2_2026_11", initial_value=40) == 40
    assert numbers() == ["1/FV/10/2026", "2/FV/10/2026", "3/FV/10/2026", "40/FV/11/2026"]
    assert folio.get_last_value("invoice_numbers_1_2_2026_10") == 3
    assert folio.get_last_value("invoice_numbers_1_2_2026_12") is None
    assert folio.get_next_values(0, "invoice_numbers_1_2_2026_11") == range(41, 41)
    assert {entry.tenant for entry in Entry.objects.all()} == {"shop-7"}


def test_a_name_without_a_date_is_today() -> None:
    assert folio.get_next_value("tickets") == 1
    with transaction.atomic():
        assert str(issue("ticket")) == "TKT-000002"
    assert folio.get_last_value("tickets") == 2


def test_other_names_are_series_of_their_own() -> None:
    assert folio.get_next_value("invoice_numbers_3_2_2026_10") == 1
    assert numbers() == ["invoice_numbers_3_2_2026_10-1"]


def test_nowait() -> None:
    folio.get_next_value("tickets")
    with checkouts(2) as (first, second):
        first.begin()
        first.run(lambda: folio.get_next_value("tickets"))
        with pytest.raises(LockTimeout):
            second.run(lambda: folio.get_next_value("tickets", nowait=True))
        first.rollback()


def test_a_period_does_not_begin_again() -> None:
    folio.get_next_value("tickets")
    with pytest.raises(InvalidSeries, match="can't begin again"):
        folio.get_next_value("tickets", reset_value=5)
    with pytest.raises(InvalidSeries, match="can't begin again"):
        folio.delete("tickets")


def test_a_date_that_is_none() -> None:
    with pytest.raises(InvalidDate, match="2026_13"):
        folio.get_next_value("invoice_numbers_1_2_2026_13")


def test_the_move_puts_them_there_and_old_code_goes_on() -> None:
    sequences.get_next_values(7, "invoice_numbers_1_2_2026_10")
    sequences.get_next_values(3, "invoice_numbers_1_2_2026_11")
    sequences.get_next_values(2, "tickets")
    call_command("ledger_migrate_from", "django-sequences", "--apply", stdout=StringIO())
    assert Adoption.objects.count() == 3
    assert sequences.get_next_value("invoice_numbers_1_2_2026_10") == 8
    assert folio.get_next_value("invoice_numbers_1_2_2026_10") == 9
    assert folio.get_next_value("invoice_numbers_1_2_2026_11") == 4
    assert sequences.get_next_value("tickets") == 3
    assert sorted(numbers()) == ["4/FV/11/2026", "8/FV/10/2026", "9/FV/10/2026", "TKT-000003"]
    assert Period.objects.count() == 3


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"(": {"series": "a"}}, "no regular expression"),
        ({"a": {"template": "A{counter}"}}, "names no series"),
        ({"a": {"series": "a", "form": "x"}}, "unknown keys form"),
        ({"a": "b"}, "dict of dicts"),
    ],
)
def test_a_setting_that_is_no_good(settings: Any, names: dict[str, Any], told: str) -> None:
    settings.LEDGER_COMPAT = {"OLD_NAMES": names}
    with pytest.raises(ImproperlyConfigured, match=told):
        folio.get_next_value("a")
