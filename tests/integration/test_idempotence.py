"""One document has one number: retries, and blocks of documents."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ledger import close_period, errors as e, issue, issue_many
from ledger.models import Entry, NumberIssued, Period
from tests.shop.models import Order, Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(shop: Organization) -> Order:
    return Order.objects.create(org=shop, reference="A1")


@pytest.fixture
def shop() -> Organization:
    return Organization.objects.create(name="Shop")


def counters() -> list[tuple[str, int]]:
    return list(Period.objects.order_by("id").values_list("prefix", "last_value"))


class TestIdempotence:
    def test_the_same_document_has_the_same_number(self, order: Order) -> None:
        first = issue("invoice", document=order)
        again = issue("invoice", document=order)
        assert again == first
        assert type(again) is NumberIssued
        assert counters() == [(first.period.prefix, 1)]

    def test_also_a_day_later_when_no_date_is_stated(self, order: Order) -> None:
        first = issue("invoice", document=order, on=date(2026, 12, 31))
        assert issue("invoice", document=order) == first

    def test_another_date_in_the_same_period_is_no_other_fact(self, order: Order) -> None:
        first = issue("invoice", document=order, on=date(2026, 1, 1))
        assert issue("invoice", document=order, on=date(2026, 12, 31)) == first

    @pytest.mark.parametrize("on", [date(2025, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)])
    def test_another_period_is_refused(self, order: Order, on: date) -> None:
        issue("invoice", document=order, on=date(2026, 6, 1))
        before = counters()
        with pytest.raises(e.DocumentConflict, match=r"'INV-2026-000001'.*2026-01-01 to 2026-12-31.*on=202"):
            issue("invoice", document=order, on=on)
        assert counters() == before

    def test_other_metadata_are_refused(self, order: Order) -> None:
        issue("invoice", document=order, metadata={"total": "10.00"})
        assert issue("invoice", document=order).value == 1, "what is left out is not stated"
        assert issue("invoice", document=order, metadata={"total": "10.00"}).value == 1
        with pytest.raises(e.DocumentConflict, match="metadata"):
            issue("invoice", document=order, metadata={"total": "12.00"})
        with pytest.raises(e.DocumentConflict, match="metadata"):
            issue("invoice", document=order, metadata={})

    def test_a_document_has_one_number_in_each_series(self, order: Order) -> None:
        assert str(issue("invoice", document=order, on=date(2026, 1, 1))) == "INV-2026-000001"
        assert str(issue("receipt", document=order, on=date(2026, 1, 1))) == "RCP-2026-000001"

    def test_without_a_document_each_call_takes_a_number(self) -> None:
        assert [issue("invoice").value, issue("invoice").value] == [1, 2]


class TestBlocks:
    def test_ten_thousand_orders_get_a_contiguous_block_in_one_statement(
        self, django_assert_num_queries: object
    ) -> None:
        documents = [f"order:{number}" for number in range(10_000)]
        issue("invoice", document="before", on=date(2026, 1, 1))
        with django_assert_num_queries(1):  # type: ignore[operator]
            entries = issue_many("invoice", documents=documents, on=date(2026, 1, 1), metadata={"run": 7}, by="batch")
        assert [entry.document for entry in entries] == documents
        assert [entry.value for entry in entries] == list(range(2, 10_002))
        assert str(entries[-1]) == "INV-2026-010001"
        stored = Entry.objects.get(document="order:9999")
        assert (stored.value, stored.metadata, stored.actor) == (10_001, {"run": 7}, "batch")
        for field in Entry._meta.concrete_fields:
            assert getattr(entries[-1], field.attname) == getattr(stored, field.attname), field.attname

    def test_those_with_a_number_keep_it_and_take_none(self) -> None:
        old = issue("invoice", document="b")
        entries = issue_many("invoice", documents=["a", "b", "c", "a"])
        assert [entry.value for entry in entries] == [2, 1, 3, 2]
        assert entries[1] == old
        assert counters()[0][1] == 3
        assert [entry.value for entry in issue_many("invoice", documents=["c", "a"])] == [3, 2]
        assert counters()[0][1] == 3

    def test_other_facts_are_refused(self) -> None:
        issue("invoice", document="b", on=date(2025, 1, 1))
        with pytest.raises(e.DocumentConflict, match="'b'"):
            issue_many("invoice", documents=["a", "b"], on=date(2026, 1, 1))
        issue("invoice", document="c", on=date(2026, 1, 1), metadata={"a": 1})
        with pytest.raises(e.DocumentConflict, match="'c'.*metadata"):
            issue_many("invoice", documents=["a", "c"], on=date(2026, 1, 1), metadata={"a": 2})
        with pytest.raises(e.DocumentConflict, match="'c'.*metadata"):
            issue_many("invoice", documents=["c"], on=date(2026, 1, 1), metadata={"a": 2})
        assert Entry.objects.count() == 2, "the others of a refused block took no number"
        assert counters() == [("INV-2025-", 1), ("INV-2026-", 1)]

    def test_a_retry_finds_its_numbers_in_a_closed_period_too(self) -> None:
        entries = issue_many("invoice", documents=["a", "b"], on=date(2025, 1, 1))
        close_period(entries[0].period)
        assert issue_many("invoice", documents=["b", "a"], on=date(2025, 1, 1)) == entries[::-1]
        with pytest.raises(e.PeriodClosed):
            issue_many("invoice", documents=["b", "c"], on=date(2025, 1, 1))

    def test_documents_are_needed(self) -> None:
        assert issue_many("invoice", documents=[]) == []
        with pytest.raises(e.InvalidDocument, match="Document 2 of 2"):
            issue_many("invoice", documents=["a", None])
        with pytest.raises(e.UnknownSeries):
            issue_many("nope", documents=["a"])
