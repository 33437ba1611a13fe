"""One checkout at a time: what `issue` and `preview` promise, and which arguments they take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import override_settings

from ledger import define_series, errors as e, issue, issue_many, preview, void
from ledger.compat.number_field import create_many
from ledger.models import Entry, NumberIssued, Period, Series
from tests.shop.models import Order, Organization
from tests.shop.numbered import Invoice

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Organization:
    return Organization.objects.create(name="Shop")


@pytest.fixture
def order(shop: Organization) -> Order:
    return Order.objects.create(org=shop, reference="A1")


class TestDefaults:
    @pytest.mark.parametrize(
        ("code", "number"),
        [
            ("invoice", "INV-2026-000001"),
            ("order", "ORD-2026-000001"),
            ("receipt", "RCP-2026-000001"),
            ("ticket", "TKT-000001"),
        ],
    )
    def test_a_default_series_makes_itself(self, code: str, number: str) -> None:
        assert str(issue(code, on=date(2026, 5, 1))) == number
        assert Series.objects.get(code=code).tenant == ""

    def test_yearly_ones_start_again_and_tickets_do_not(self) -> None:
        days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)]
        assert [str(issue("invoice", on=day)) for day in days] == [
            "INV-2026-000001",
            "INV-2027-000001",
            "INV-2027-000002",
        ]
        assert [str(issue("ticket", on=day)) for day in days] == ["TKT-000001", "TKT-000002", "TKT-000003"]

    def test_an_unknown_series_says_what_there_is_and_what_to_do(self) -> None:
        issue("invoice")
        with pytest.raises(e.UnknownSeries, match=r"no series 'invioce'.*has invoice\..*define_series\('invioce'"):
            issue("invioce")

    @override_settings(LEDGER={"DEFAULT_SERIES": {"credit": {"template": "CN{year:2}-{counter:04}"}}})
    def test_the_setting_adds_series(self) -> None:
        assert str(issue("credit", on=date(2026, 1, 1))) == "CN26-0001"

    def test_a_tenant_is_a_model_instance_a_text_or_nothing(self, shop: Organization) -> None:
        assert issue("invoice", org=shop).tenant == f"shop.organization:{shop.pk}"
        assert issue("invoice", org="shop-7").tenant == "shop-7"
        assert issue("invoice").tenant == ""
        assert Entry.objects.filter(value=1).count() == 3, "each tenant has a counter of its own"


class TestTheEntry:
    def test_has_the_facts(self, shop: Organization, order: Order) -> None:
        entry = issue("invoice", org=shop, document=order, on=date(2026, 3, 4), metadata={"channel": "web"}, by="ann")
        stored = NumberIssued.objects.get()
        assert type(entry) is NumberIssued
        for field in Entry._meta.concrete_fields:
            assert getattr(entry, field.attname) == getattr(stored, field.attname), field.attname
        assert stored.document == f"shop.order:{order.pk}"
        assert (stored.value, stored.number, stored.kind) == (1, "INV-2026-000001", "issued")
        assert (stored.issued_on, stored.actor, stored.metadata) == (date(2026, 3, 4), "ann", {"channel": "web"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            assert cursor.fetchone() == (stored.transaction_id,)
        assert abs((datetime.now(UTC) - stored.issued_at).total_seconds()) < 60

    def test_takes_one_round_trip_in_an_opened_period(self, django_assert_num_queries: object) -> None:
        issue("invoice", document="a")
        with django_assert_num_queries(1):  # type: ignore[operator]
            issue("invoice", document="b", metadata={"a": 1}, by="ann")


class TestRollback:
    def test_a_savepoint_leaves_no_trace_and_no_gap(self) -> None:
        issue("invoice")
        with transaction.atomic():
            issue("invoice")
            issue_many("invoice", documents=["a", "b"])
            transaction.set_rollback(True)
        assert issue("invoice").value == 2
        assert list(Entry.objects.order_by("value").values_list("value", flat=True)) == [1, 2]

    def test_a_refusal_leaves_the_transaction_usable(self) -> None:
        with pytest.raises(e.UnknownSeries):
            issue("nope")
        assert issue("invoice").value == 1


class TestPreview:
    def test_writes_nothing_and_names_the_next(self) -> None:
        assert preview("invoice", on=date(2026, 1, 1)) == "INV-2026-000001"
        assert not Series.objects.exists()
        issue("invoice", on=date(2026, 1, 1))
        assert preview("invoice", on=date(2026, 1, 1)) == "INV-2026-000002"
        assert preview("invoice", on=date(2027, 1, 1)) == "INV-2027-000001"
        assert Period.objects.count() == 1

    def test_refuses_what_issue_refuses(self) -> None:
        with pytest.raises(e.UnknownSeries):
            preview("nope")
        define_series("off", template="OFF{year}-{counter}", is_active=False)
        with pytest.raises(e.InactiveSeries):
            preview("off")
        with pytest.raises(e.InactiveSeries):
            issue("off")


def nested(depth: int) -> list[Any]:
    """Lists in lists, deeper than Python's own recursion goes."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"org": 7}, e.InvalidTenant),
            ({"org": Organization()}, e.InvalidTenant),
            ({"org": "a\nb"}, e.InvalidTenant),
            ({"document": 7}, e.InvalidDocument),
            ({"document": 10**5000}, e.InvalidDocument),
            ({"org": 10**5000}, e.InvalidTenant),
            ({"by": 10**5000}, e.InvalidActor),
            ({"on": 10**5000}, e.InvalidDate),
            ({"document": "a", "replaces": 10**5000}, e.InvalidDocument),
            ({"document": ""}, e.InvalidDocument),
            ({"document": Order()}, e.InvalidDocument),
            ({"document": "x" * 201}, e.InvalidDocument),
            ({"metadata": [1]}, e.InvalidMetadata),
            ({"metadata": {"a": float("nan")}}, e.InvalidMetadata),
            ({"metadata": {"a": object()}}, e.InvalidMetadata),
            ({"metadata": {"a": "\x00"}}, e.InvalidMetadata),
            ({"metadata": {"a": "\\\x00"}}, e.InvalidMetadata),
            ({"metadata": {"a": "\ud83e of a face"}}, e.InvalidMetadata),
            ({"metadata": {"a": nested(100_000)}}, e.InvalidMetadata),
            ({"by": 7}, e.InvalidActor),
            ({"by": get_user_model()(username="x" * 201)}, e.InvalidActor),
            ({"org": get_user_model()(pk="x" * 200)}, e.InvalidTenant),
            ({"on": datetime.min.replace(tzinfo=UTC)}, e.InvalidDate),
            ({"on": datetime.max.replace(tzinfo=UTC)}, e.InvalidDate),
        ],
    )
    def test_bad_ones_are_named_and_nothing_is_written(
        self, arguments: dict[str, object], error: type[Exception]
    ) -> None:
        with pytest.raises(error) as caught:
            issue("invoice", **arguments)  # type: ignore[arg-type]
        told = caught.value
        assert isinstance(told, e.InvalidArgument)
        assert isinstance(told, ValueError)
        assert all([told.problem, told.rule, told.remedy])
        assert not Series.objects.exists()

    def test_metadata_may_hold_what_only_looks_like_an_escape(self) -> None:
        told = {"a": "C:\\u0000\\ud83e", "b": "🤝"}
        assert issue("invoice", metadata=told, document="a") == issue("invoice", metadata=told, document="a")
        assert NumberIssued.objects.get().metadata == told

    @pytest.mark.parametrize(
        ("metadata", "told"),
        [
            ({"a": nested(33)}, "more than 32 levels deep"),
            ({"a": "x" * 65_536}, "has 65,545 bytes"),
            ({"a": 10**1000}, "a number of more than 999 digits"),
            ({"a": 10**5000}, "digits"),
        ],
        ids=["levels", "bytes", "digits", "more digits than Python writes"],
    )
    def test_text_that_could_not_be_read_later_is_refused_everywhere(self, metadata: dict[str, Any], told: str) -> None:
        order = Order.objects.create(org=Organization.objects.create(name="Shop"))
        void_one = issue("invoice", document=order)
        void(void_one, reason="a test")
        row = Invoice(org=order.org)
        doors: list[Callable[[], object]] = [
            lambda: issue("invoice", metadata=metadata),
            lambda: issue("invoice", document=order, replaces=void_one, metadata=metadata),
            lambda: issue_many("invoice", documents=["a"], metadata=metadata),
            lambda: issue_many("invoice", documents=[order], replaces=[void_one], metadata=metadata),
            lambda: create_many([row]),
        ]
        with mock.patch.object(Invoice._meta.get_field("number"), "metadata", metadata):
            for door in doors:
                with pytest.raises(e.InvalidMetadata, match=told):
                    door()
        assert NumberIssued.objects.count() == 1

    def test_a_long_value_is_not_repeated_in_full(self) -> None:
        with pytest.raises(e.InvalidMetadata) as caught:
            issue("invoice", metadata={"a": "x" * 100_000 + "\x00"})
        assert len(str(caught.value)) < 1000

    @pytest.mark.parametrize("documents", ["order:1", b"order:1", {"order:1": 1}, 7, None])
    def test_documents_come_one_by_one(self, documents: Any) -> None:
        with pytest.raises(e.InvalidDocument, match="is of type"):
            issue_many("invoice", documents=documents)
        assert not Series.objects.exists()

    def test_a_database_without_a_ledger_is_named_as_such(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path TO pg_catalog")
            for ask in (issue, preview):
                with pytest.raises(e.NotMigrated, match="manage.py migrate"), transaction.atomic():
                    ask("invoice")
            cursor.execute("RESET search_path")

    @pytest.mark.parametrize(
        "settings",
        [
            {"calendar": "weekly"},
            {"time_zone": "Mars/Olympus"},
            {"start_value": -1},
            {"max_length": 0},
            {"max_length": 101},
            {"allocation": "magic"},
            {"template": "N-{counter}"},
            {"colour": "red"},
            {"start_value": 10**9, "max_length": 8},
        ],
    )
    def test_bad_settings_of_a_series(self, settings: dict[str, object]) -> None:
        with pytest.raises(e.InvalidArgument):
            define_series("s", **{"template": "N{year}-{counter}", **settings})  # type: ignore[arg-type]
        assert not Series.objects.exists()

    @pytest.mark.parametrize("code", ["", " a", "a\nb", "x" * 201])
    def test_bad_codes(self, code: str) -> None:
        with pytest.raises(e.InvalidSeries):
            define_series(code, template="N{year}-{counter}")
