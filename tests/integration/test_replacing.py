"""A document whose number is void: nothing hands that out again, and ``replaces=`` gives the document another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import transaction

from ledger import errors as e, issue, issue_many, void
from ledger.models import Entry, NumberVoided
from ledger.verification import verify
from tests.allocations import DAY, default_allocation, expect_all_accounted_for
from tests.drafts import remote_series, stock

pytestmark = pytest.mark.django_db

ALLOCATIONS = ("serial", "at_commit", "pooled", "reserved", "remote")


@pytest.fixture(params=ALLOCATIONS, autouse=True)
def allocation(request: pytest.FixtureRequest) -> Any:
    if request.param == "remote":
        stock(remote_series(), [f"B-{n:02}" for n in range(1, 21)])
        yield request.param
        return
    with default_allocation(request.param):
        yield request.param


def voided(document: str = "order:17", **facts: Any) -> Entry:
    entry = issue("invoice", document=document, on=DAY, **facts)
    void(entry, reason="wrong address", by="ann")
    return entry


def replaced(entry: Entry | str, document: str = "order:17", **facts: Any) -> Entry:
    return issue("invoice", document=document, on=DAY, replaces=entry, **facts)


def expect_sound() -> None:
    expect_all_accounted_for()
    rows = [alarm for alarm in verify() if alarm.rule == 3]
    assert rows == []


class TestAVoidNumber:
    def test_is_not_handed_out_again(self) -> None:
        entry = voided()
        before = Entry.objects.count()
        with pytest.raises(e.DocumentVoided) as refused:
            issue("invoice", document="order:17", on=DAY)
        told = str(refused.value)
        assert entry.number in told
        assert "by ann: wrong address" in told
        assert f"replaces={entry.number!r}" in told
        assert Entry.objects.count() == before, "nothing was written, and the transaction goes on"

    def test_is_not_handed_out_again_in_a_block(self) -> None:
        entry = voided("b")
        for documents in (["b"], ["a", "b", "c"]):
            with pytest.raises(e.DocumentVoided, match=entry.number):
                issue_many("invoice", documents=documents, on=DAY)
        assert list(Entry.objects.values_list("document", flat=True)) == ["b"]

    def test_the_void_comes_before_other_facts(self) -> None:
        voided(metadata={"total": 1})
        with pytest.raises(e.DocumentVoided):
            issue("invoice", document="order:17", on=date(2027, 1, 1), metadata={"total": 2})


class TestReplacing:
    @pytest.mark.parametrize("named", [lambda entry: entry, lambda entry: entry.number.lower()])
    def test_the_document_gets_a_new_number_that_is_linked_to_the_void_one(self, named: Callable[[Entry], Any]) -> None:
        first = voided(metadata={"address": "wrong"})
        second = replaced(named(first), metadata={"address": "right"}, by="bob")
        assert (second.replaces_id, second.value) == (first.pk, first.value + 1)
        stored = Entry.objects.get(pk=second.pk)
        assert (stored.replaces, stored.document, stored.actor) == (first, "order:17", "bob")
        assert list(first.replaced_by.all()) == [stored]
        expect_sound()

    def test_look_ups_follow_the_chain(self) -> None:
        first = voided()
        second = replaced(first, metadata={"try": 2})
        assert issue("invoice", document="order:17") == second
        assert issue("invoice", document="order:17", on=DAY, metadata={"try": 2}) == second
        entries = issue_many("invoice", documents=["a", "order:17"], on=DAY)
        assert (entries[0].value, entries[1]) == (3, second)
        assert issue_many("invoice", documents=["order:17"])[0] == second
        with pytest.raises(e.DocumentConflict):
            issue("invoice", document="order:17", metadata={"try": 1})
        void(second, reason="wrong again")
        with pytest.raises(e.DocumentVoided, match=second.number):
            issue("invoice", document="order:17")
        third = replaced(second)
        assert issue("invoice", document="order:17") == third
        assert replaced(first).number == third.number, "the document's number is the last one"
        expect_sound()

    def test_twice_is_once(self) -> None:
        first = voided()
        assert replaced(first) == replaced(first.number)
        assert replaced(first).value == 2
        assert Entry.objects.filter(document="order:17").count() == 2

    def test_a_block(self) -> None:
        voids = [voided("b"), voided("d")]
        entries = issue_many("invoice", documents=["a", "b", "c", "d", "b"], on=DAY, replaces=reversed(voids))
        assert [entry.document for entry in entries] == ["a", "b", "c", "d", "b"]
        assert [entry.replaces_id for entry in entries] == [None, voids[0].pk, None, voids[1].pk, voids[0].pk]
        numbers = [str(entry) for entry in entries]
        again = issue_many("invoice", documents=["a", "b", "c", "d", "b"], on=DAY, replaces=voids)
        assert [str(entry) for entry in again] == numbers
        again = issue_many("invoice", documents=["a", "b", "c", "d", "b"], on=DAY)
        assert [str(entry) for entry in again] == numbers
        expect_sound()

    def test_a_block_of_which_one_is_refused_leaves_nothing(self) -> None:
        first, _ = voided("b"), voided("d")
        before = set(Entry.objects.values_list("pk", flat=True))
        with pytest.raises(e.DocumentVoided, match="'d'"):
            issue_many("invoice", documents=["a", "b", "c", "d"], on=DAY, replaces=[first])
        assert set(Entry.objects.values_list("pk", flat=True)) == before

    def test_in_the_transaction_that_voids(self) -> None:
        with transaction.atomic():
            second = replaced(voided())
            assert issue("invoice", document="order:17", on=DAY).pk == second.pk
        assert second.number == Entry.objects.get(pk=second.pk).number
        assert NumberVoided.objects.get().entry_id == second.replaces_id
        expect_sound()


class TestWhatCantBeReplaced:
    def test_a_valid_number(self) -> None:
        entry = issue("invoice", document="order:17", on=DAY)
        with pytest.raises(e.NotReplaceable, match="is not void"):
            replaced(entry)
        with pytest.raises(e.NotReplaceable, match="is not void"):
            issue_many("invoice", documents=["order:17"], replaces=[entry], on=DAY)

    def test_that_of_another_document(self) -> None:
        entry = voided("order:18")
        with pytest.raises(e.NotReplaceable, match="belongs to document 'order:18'"):
            replaced(entry)
        with pytest.raises(e.NotReplaceable, match="belongs to document 'order:18'"):
            issue("invoice", on=DAY, replaces=entry)
        with pytest.raises(e.NotReplaceable, match="order:18"):
            issue_many("invoice", documents=["order:17"], replaces=[entry], on=DAY)

    def test_a_number_without_a_document(self) -> None:
        entry = issue("invoice", on=DAY)
        void(entry, reason="a test")
        with pytest.raises(e.NotReplaceable, match="was given to no document"):
            replaced(entry)

    def test_that_of_another_series_or_tenant(self) -> None:
        entry = voided()
        with pytest.raises(e.NotReplaceable, match="belongs to series 'invoice'"):
            issue("order", document="order:17", replaces=entry)
        with pytest.raises(e.UnknownNumber, match="Tenant 'other'"):
            issue("invoice", org="other", document="order:17", replaces=entry)
        with pytest.raises(e.UnknownNumber):
            replaced("no such number")

    @pytest.mark.parametrize("named", [17, b"INV", ["INV"]])
    def test_what_names_no_number(self, named: Any) -> None:
        with pytest.raises(e.InvalidDocument, match="replaces="):
            replaced(named)

    @pytest.mark.parametrize("named", ["INV-2026-000001", 17])
    def test_a_block_takes_a_list(self, named: Any) -> None:
        with pytest.raises(e.InvalidDocument, match="Pass a list"):
            issue_many("invoice", documents=["order:17"], replaces=named)
