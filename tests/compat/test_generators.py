"""The one generator for every setting that names one, called as hosts call it: by their own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from types import FunctionType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ledger import define_series
from ledger.errors import InvalidSeries, UnknownSeries
from ledger.models import NumberIssued, Series
from ledger.verification import verify
from tests.shop.models import Order, Organization

NUMBER = "ledger.compat.generators.number"
GENERATORS = {
    "invoicing": {"series": "bill", "template": "{year}/{counter}", "returns": "value", "max_days_ahead": 1000},
    "salesman": {
        "series": "web",
        "org": "shop-7",
        "template": "W{counter}",
        "calendar": "never",
        "allocation": "pooled",
    },
    "default": {"series": "order"},
}


def _call(*args: Any, **kwargs: Any) -> Any:
    return number(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821  (of the globals that called_by gives it)


def called_by(host: str) -> Callable[..., Any]:
    """The generator as code of that package calls it."""
    return FunctionType(_call.__code__, {"__name__": f"{host}.models", "number": import_string(NUMBER)})


@pytest.fixture(autouse=True)
def sound(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.LEDGER_COMPAT = {"GENERATORS": GENERATORS}
    yield
    assert list(verify()) == []


def test_the_series_is_that_of_the_host() -> None:
    assert called_by("salesman")(HttpRequest()) == "W1"
    assert called_by("invoicing")(type="INVOICE", important_date=date(2026, 3, 1), number_prefix=None) == 1
    assert called_by("another")().startswith("ORD-")
    web = Series.objects.get(code="web")
    assert (web.tenant, web.allocation) == ("shop-7", "pooled")
    assert NumberIssued.objects.get(series__code="bill").number == "2026/1"


def test_a_date_picks_the_period() -> None:
    bill = called_by("invoicing")
    with transaction.atomic():
        assert [bill(important_date=day) for day in (date(2025, 3, 1), date(2026, 3, 1), datetime(2025, 4, 1))] == [
            1,
            1,
            2,
        ]


def test_a_saved_instance_is_the_document() -> None:
    order = Order.objects.create(org=Organization.objects.create(name="A shop"))
    user = User.objects.create(username="ada")
    number = called_by("shop")
    first = number(user, order)
    assert number(order=order, request=HttpRequest()) == first
    assert number(user, Order(org=order.org)) != first
    documents = set(NumberIssued.objects.values_list("document", flat=True))
    assert documents == {f"shop.order:{order.pk}", ""}


def test_in_the_hosts_transaction_a_rollback_takes_it_back() -> None:
    number = called_by("shop")
    with transaction.atomic():
        taken = number()
        transaction.set_rollback(True)
    assert number() == taken


def test_without_a_transaction_it_is_committed_at_once() -> None:
    taken = called_by("shop")()
    assert NumberIssued.objects.get().number == taken


def test_another_allocation_than_the_settings_say() -> None:
    define_series("web", org="shop-7", template="W{counter}", calendar="never")
    with pytest.raises(InvalidSeries, match="is serial, and not pooled"):
        called_by("salesman")()


@pytest.mark.parametrize(
    ("generators", "error", "told"),
    [
        ({}, ImproperlyConfigured, "no entry for 'shop'"),
        ({"shop": {"series": "order", "returns": "text"}}, ImproperlyConfigured, "must be 'number' or 'value'"),
        ({"shop": {"series": "nothing-says-what"}}, UnknownSeries, "nothing-says-what"),
    ],
)
def test_settings_that_are_no_good(settings: Any, generators: Any, error: type[Exception], told: str) -> None:
    settings.LEDGER_COMPAT = {"GENERATORS": generators}
    with pytest.raises(error, match=told):
        called_by("shop")()
    assert not NumberIssued.objects.exists()
