"""An argument of any wrong type raises one of Folio's errors, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from ledger import (
    add_reference,
    close_period,
    define_series,
    issue,
    issue_many,
    open_next_periods,
    open_period,
    preview,
    void,
)
from ledger.actions import acknowledge, acknowledge_alarm, declare, explain, skip_taken
from ledger.adoption import adopt
from ledger.errors import LedgerError
from ledger.gaps import GapRange
from ledger.models import Entry, NumberVoided, Period, Series, TenantAccess
from ledger.series import SETTINGS, change_allocation
from ledger.texts import shown
from tests.shop.models import Organization

pytestmark = pytest.mark.django_db

#: What stands in no place where it is tried, or is taken for what it says.
ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    2**70,
    1.5,
    float("nan"),
    Decimal("1.5"),
    "",
    "odd",
    "7",
    "ü" * 300,
    "a\0b",
    "\ud800",
    b"bytes",
    [],
    ["a"],
    {"a": 1},
    {1, 2},
    object(),
    Series,
    date(2026, 1, 1),
    datetime(2026, 1, 1),
    lambda: 1,
)


def refused_or_taken(call: Callable[[Any], object]) -> None:
    """Only Folio's errors are raised. After one, the caller's transaction can continue, and nothing was written."""
    wrong = []
    for value in ODD:
        with transaction.atomic():
            before = written()
            try:
                call(value)
            except LedgerError:
                assert written() == before
            except Exception as error:  # noqa: BLE001  (whatever it is, it isn't ours)
                wrong.append(f"{shown(value, 60)}: {type(error).__name__}: {error}")
            # Whatever was taken is undone, so that each value comes to the same ledger.
            transaction.set_rollback(True)
    assert not wrong, "\n".join(wrong)


def written() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Series, Period, Entry, NumberVoided))


@pytest.fixture
def invoice() -> Series:
    return define_series("invoice", template="INV-{year}-{counter:06}")


@pytest.mark.parametrize("name", [*SETTINGS, "code", "org", "from_day", "by"])
class TestDefining:
    def test_a_new_series(self, name: str) -> None:
        given = {"code": "odd", "template": "O-{year}-{counter}"}
        refused_or_taken(lambda value: define_series(**{**given, name: value}))

    def test_one_that_is_there(self, invoice: Series, name: str) -> None:
        refused_or_taken(lambda value: define_series(**{"code": "invoice", name: value}))


@pytest.mark.parametrize("name", ["series", "day", "org", "starts_on", "ends_on", "first_value", "label", "by"])
def test_opening(invoice: Series, name: str) -> None:
    days = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 3, 31)} if name in ("starts_on", "ends_on") else {}
    refused_or_taken(lambda value: open_period(**{"series": "invoice", **days, name: value}))


@pytest.mark.parametrize("name", ["period", "by"])
def test_closing(invoice: Series, name: str) -> None:
    period = open_period("invoice")
    refused_or_taken(lambda value: close_period(**{"period": period, "early": True, name: value}))


@pytest.mark.parametrize("name", ["series", "org", "document", "on", "metadata", "by", "replaces"])
def test_issuing(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: issue(**{"series": "invoice", name: value}))


@pytest.mark.parametrize("name", ["series", "org", "documents", "on", "metadata", "by", "replaces"])
def test_issuing_many(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: issue_many(**{"series": "invoice", "documents": ["a"], name: value}))


@pytest.mark.parametrize("name", ["series", "org", "on"])
def test_previewing(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: preview(**{"series": "invoice", name: value}))


@pytest.mark.parametrize("name", ["number", "reason", "by", "org", "replacement"])
def test_voiding(invoice: Series, name: str) -> None:
    entry = issue("invoice")
    refused_or_taken(lambda value: void(**{"number": entry, "reason": "a test", name: value}))


@pytest.mark.parametrize("name", ["code", "allocation", "org", "give_back", "system", "by"])
def test_changing_the_allocation(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: change_allocation(**{"code": "invoice", "allocation": "pooled", name: value}))


@pytest.mark.parametrize("name", ["path", "series", "org", "layout", "settings", "void_reason", "explain_gaps", "by"])
def test_adopting(tmp_path: Path, name: str) -> None:
    file = tmp_path / "old.csv"
    file.write_text("number,issued_at\nOLD-1,2026-01-01\n", encoding="utf-8")
    given = {"path": file, "series": "old", "settings": {"template": "OLD-{counter}", "calendar": "never"}}
    refused_or_taken(lambda value: adopt(**{**given, name: value}))


@pytest.mark.parametrize("name", SETTINGS)
def test_adopting_into_a_new_series(tmp_path: Path, name: str) -> None:
    file = tmp_path / "old.csv"
    file.write_text("number,issued_at\nOLD-1,2026-01-01\n", encoding="utf-8")
    settings = {"template": "OLD-{counter}", "calendar": "never"}
    refused_or_taken(lambda value: adopt(file, series="old", settings={**settings, name: value}))


@pytest.mark.parametrize("name", ["number", "authority", "reference", "digest", "by", "org"])
def test_adding_a_reference(invoice: Series, name: str) -> None:
    given = {"number": issue("invoice"), "authority": "PL KSeF", "reference": "K-1"}
    refused_or_taken(lambda value: add_reference(**{**given, name: value}))


@pytest.mark.parametrize("name", ["gap", "explanation", "by", "org"])
def test_explaining(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: explain(**{"gap": "INV-2026-000001", "explanation": "a test", name: value}))


@pytest.mark.parametrize("name", ["first", "last", "authority", "reference", "justification", "by"])
def test_declaring(invoice: Series, name: str) -> None:
    period = open_period("invoice")

    def declared(value: Any) -> None:
        given = {"first": 1, "last": 2, "authority": "BR NF-e", "reference": "R-1", name: value}
        declare([GapRange(period, given.pop("first"), given.pop("last"))], **given)

    refused_or_taken(declared)
    refused_or_taken(declare_these)


def declare_these(gaps: Any) -> None:
    declare(gaps, authority="BR NF-e", reference="R-1")


@pytest.mark.parametrize("act", [acknowledge, acknowledge_alarm])
@pytest.mark.parametrize("name", ["one", "reason", "by"])
def test_acknowledging(act: Any, name: str) -> None:
    def acknowledged(value: Any) -> None:
        given = {"one": 7, "reason": "a test", "by": "ada", name: value}
        act(given.pop("one"), **given)

    refused_or_taken(acknowledged)


@pytest.mark.parametrize("name", ["series", "org", "on", "by"])
def test_skipping(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: skip_taken(**{"series": "invoice", name: value}))


@pytest.mark.parametrize("name", ["ahead_days", "series"])
def test_opening_ahead(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: open_next_periods(**{name: value}))


@pytest.mark.parametrize("name", ["user", "org"])
def test_granting_access(invoice: Series, name: str) -> None:
    refused_or_taken(lambda value: TenantAccess.grant(**{"user": Organization.objects.create(), name: value}))
