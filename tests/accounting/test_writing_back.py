"""Writing numbers back, over HTTP: each number becomes one document there, whatever is lost on the way."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import define_series, issue, void
from tests.accounting.pushing import DAY, MAKES_BY, Office, configured, row, sell, system_settings
from tests.accounting.standins.books import Books
from tests.accounting.standins.chosen_faults import path_ends
from tests.accounting.standins.server import Fault
from tests.concurrency.checkouts import checkouts
from workers.accounting import systems
from workers.accounting.base import State
from workers.models import Push, PushPosition
from workers.writing_back import queue as push_queue

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "INV-2026-000001"


every_system = pytest.mark.parametrize("adapter", sorted(MAKES_BY))


def living(books: Books) -> list[tuple[str, str, State]]:
    return [fact for fact in books.facts() if fact[2] is not State.DELETED]


class TestOnce:
    """No second document, and none left out."""

    @every_system
    def test_every_number_is_pushed_once(self, books: Books, office: Office) -> None:
        sell("order:1", "order:2")
        assert office.push().as_dict() == {
            "found": 2,
            "voided": 0,
            "pushed": 2,
            "cancelled": 0,
            "later": 0,
            "failed": 0,
            "conflicts": 0,
        }
        expected = [(NUMBER, "order:1", State.POSTED), ("INV-2026-000002", "order:2", State.POSTED)]
        assert books.facts() == expected
        assert {push.state for push in Push.objects.all()} == {"pushed"}
        assert {push.remote_id for push in Push.objects.all()} == set(books.keys())
        asked = books.count()
        assert not any(office.push().as_dict().values())
        assert (books.facts(), books.count()) == (expected, asked)
        assert books.misfits == []

    @every_system
    @pytest.mark.parametrize("fault", [Fault.LOST, Fault.TRUNCATED])
    @pytest.mark.parametrize("times", [1, 9])
    def test_an_answer_lost_on_the_way(
        self, books: Books, office: Office, adapter: str, fault: Fault, times: int
    ) -> None:
        sell("order:1")
        books.fail(*[fault] * times, method=MAKES_BY[adapter])
        office.push()
        for _ in range(4):
            office.clock.pass_by(4000)
            office.push()
        assert row().state == "pushed"
        assert living(books) == [(NUMBER, "order:1", State.POSTED)]

    @pytest.mark.parametrize("adapter", ["odoo"])
    @pytest.mark.parametrize("step", ["create", "action_post"])
    @pytest.mark.parametrize("times", [1, 9])
    def test_an_answer_lost_where_no_key_makes_a_second_request_harmless(
        self, books: Any, office: Office, step: str, times: int
    ) -> None:
        sell("order:1")
        books.fail_when(path_ends(f"/{step}"), *[Fault.LOST] * times)
        for _ in range(4):
            office.push()
            office.clock.pass_by(4000)
        assert books.met > 0
        assert row().state == "pushed"
        assert books.facts() == [(NUMBER, "order:1", State.POSTED)]

    def test_a_number_without_a_document_is_known_by_its_entry(self, books: Books, office: Office) -> None:
        with transaction.atomic():
            entry = issue("invoice", on=DAY)
        office.push()
        assert books.facts() == [(NUMBER, f"entry:{entry.pk}", State.POSTED)]

    def test_only_the_series_and_dates_of_the_settings(self, books: Books, office: Office) -> None:
        sell("order:1")
        sell("order:1", series="receipt")
        sell("order:2", org="somebody else")
        sell("order:3", on=date(2025, 12, 31))
        with configured(books=system_settings("xero", books.url, push="2026-01-01")):
            assert office.push().counts["found"] == 1
        assert [reference for _, reference, _ in books.facts()] == ["order:1"]

    def test_settings_that_ask_for_more_find_what_was_left_out(self, books: Books, office: Office) -> None:
        sell("order:1")
        office.push()
        define_series("receipt", template="RCP-{year}-{counter:06}")
        sell("order:2", series="receipt")
        office.push()
        with configured(books=system_settings("xero", books.url, series=["invoice", "receipt"])):
            assert office.push().as_dict()["pushed"] == 1
        assert len(books.facts()) == 2

    def test_a_series_that_is_not_there_yet(self, books: Books, office: Office) -> None:
        """Default series are made on first use."""
        assert not any(office.push().as_dict().values())
        assert books.count() == 0
        sell("order:1")
        assert office.push().as_dict()["pushed"] == 1


class TestFinding:
    """New numbers are found by transaction ids, since ids and times are set before COMMIT."""

    def test_a_checkout_that_commits_late_is_not_missed(self, books: Books, office: Office) -> None:
        define_series("invoice", template="INV-{year}-{counter:06}", allocation="pooled")
        sell("order:0")
        office.push()
        with checkouts(2) as (slow, quick):
            slow.begin()
            late = slow.run(lambda: issue("invoice", document="late", on=DAY))
            quick.begin()
            early = quick.run(lambda: issue("invoice", document="early", on=DAY))
            quick.commit()
            assert late.pk < early.pk
            for _ in range(3):
                office.push()
            assert sorted(each[1] for each in books.facts()) == ["early", "order:0"]
            slow.commit()
        office.push()
        assert sorted(each[1] for each in books.facts()) == ["early", "late", "order:0"]

    def test_a_void_that_commits_late_is_not_missed(self, books: Books, office: Office) -> None:
        [first, second] = sell("order:1", "order:2")
        office.push()
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: void(first, reason="reversed"))
            void(second, reason="reversed")
            office.push()
            assert [each[2] for each in books.facts()] == [State.POSTED, State.VOID]
            slow.commit()
        office.push()
        assert [each[2] for each in books.facts()] == [State.VOID, State.VOID]

    def test_a_look_begins_where_the_last_one_could_not_see(self, books: Books, office: Office) -> None:
        sell("order:1")
        office.push()
        first = PushPosition.objects.get()
        sell("order:2")
        office.push()
        second = PushPosition.objects.get()
        assert second.through > first.through
        assert second.looked_in_full_at == first.looked_in_full_at

    @pytest.mark.parametrize("mark", [{"through": 2**60}, {"looked_in_full_at": None}, {"scope": {}}], ids=str)
    def test_a_mark_that_can_not_be_trusted_is_not(self, books: Books, office: Office, mark: dict[str, Any]) -> None:
        """As after a restore into a server that counts its transactions from the start."""
        sell("order:1")
        office.push()
        Push.objects.all().delete()
        assert office.push().counts["found"] == 0, "nothing new, by the mark"
        PushPosition.objects.update(**mark)
        assert office.push().counts["found"] == 1
        assert len(books.facts()) == 1
        assert row().state == "pushed"

    def test_two_looks_at_once_make_one_row(self, books: Books, office: Office) -> None:
        sell("order:1", "order:2")
        queue = push_queue.PushQueue(systems.system("books"), "default")
        with checkouts(2) as (one, other):
            looks = [each.do(queue.look) for each in (one, other)]
            assert sum(look.result(30)[0] for look in looks) == 2
        assert Push.objects.count() == 2


class TestVoids:
    @every_system
    @pytest.mark.parametrize("pushed_before", [True, False])
    def test_a_void_is_cancelled_there(self, books: Books, office: Office, pushed_before: bool) -> None:
        [entry] = sell("order:1")
        if pushed_before:
            office.push()
        void(entry, reason="payment reversed")
        counts = office.push().as_dict()
        assert (counts["voided"], counts["pushed"], counts["cancelled"]) == (1, int(not pushed_before), 1)
        assert books.facts() == [(NUMBER, "order:1", State.VOID)]
        push = row()
        assert push.state == "cancelled"
        assert push.pushed_at is not None
        assert push.cancelled_at is not None
        assert push.void is not None
        assert push.void.entry_id == entry.pk
        asked = books.count()
        office.push()
        assert books.count() == asked

    def test_a_void_while_the_number_is_on_its_way(
        self, books: Books, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [entry] = sell("order:1")
        queue = push_queue.PushQueue(systems.system("books"), "default")
        answer = books.answer

        def voided_meanwhile(request: Any) -> Any:
            if request.method == "PUT":
                void(entry, reason="reversed")
                queue.look()
                connection.close()
            return answer(request)

        monkeypatch.setattr(books, "answer", voided_meanwhile)
        assert office.push().as_dict()["cancelled"] == 1
        assert books.facts() == [(NUMBER, "order:1", State.VOID)]

    def test_what_was_voided_there_before(self, books: Books, office: Office) -> None:
        [entry] = sell("order:1")
        books.add(NUMBER, DAY, "order:1", State.VOID)
        void(entry, reason="reversed")
        office.push()
        assert row().state == "cancelled"
        assert books.facts() == [(NUMBER, "order:1", State.VOID)]

    @pytest.mark.parametrize("adapter", ["odoo"])
    def test_a_refused_void_is_for_a_person(self, books: Any, office: Office) -> None:
        [entry] = sell("order:1")
        office.push()
        books.locked.update(books.keys())
        void(entry, reason="reversed")
        assert office.push().as_dict()["failed"] == 1
        push = row()
        assert (push.state, "locked" in push.last_error) == ("failed", True)
        books.locked.clear()
        push_queue.PushQueue(systems.system("books"), "default").retry()
        office.push()
        assert books.facts() == [(NUMBER, "order:1", State.VOID)]


class TestConflicts:
    """A document that differs there never counts as done."""

    @pytest.mark.parametrize("adapter", ["xero", "odoo"])
    def test_a_number_changed_there(self, books: Books, office: Office, adapter: str) -> None:
        sell("order:1")
        key = books.add("INV-2026-7", DAY, "order:1")
        assert office.push().as_dict()["conflicts"] == 1
        push = row()
        assert push.state == "conflict"
        assert (push.facts["number"], push.facts["remote_id"], push.remote_id) == ("INV-2026-7", key, key)
        assert push.last_error == f"books has {NUMBER} otherwise: number 'INV-2026-7'."
        assert push.pushed_at is None
        office.clock.pass_by(10**6)
        assert not any(office.push().as_dict().values())
        books.renumber(key, NUMBER)
        push_queue.PushQueue(systems.system("books"), "default").retry([NUMBER])
        office.push()
        assert (row().state, row().facts, row().last_error) == ("pushed", {}, "")
        assert books.facts() == [(NUMBER, "order:1", State.POSTED)]

    @pytest.mark.parametrize(
        ("there", "told"),
        [
            ({"state": State.VOID}, "state 'void'"),
            ({"state": State.DRAFT}, "state 'draft'"),
            ({"issued_on": date(2026, 4, 1)}, "issued_on '2026-04-01'"),
        ],
    )
    def test_other_facts(self, books: Books, office: Office, there: dict[str, Any], told: str) -> None:
        sell("order:1")
        facts = {"issued_on": DAY, "reference": "order:1", **there}
        books.add(NUMBER, **facts)
        office.push()
        assert row().state == "conflict"
        assert told in row().last_error
        assert len(books.facts()) == 1

    @every_system
    def test_a_number_that_another_document_has(self, books: Books, office: Office) -> None:
        sell("order:1", "order:2")
        books.add(NUMBER, DAY, "somebody's")
        counts = office.push().as_dict()
        assert (counts["failed"], counts["pushed"]) == (1, 1)
        assert (row().state, NUMBER in row().last_error) == ("failed", True)
        assert [reference for number, reference, _ in living(books) if number == NUMBER] == ["somebody's"]
