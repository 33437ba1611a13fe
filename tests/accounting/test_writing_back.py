"""Writing numbers back, over HTTP: each number becomes one document there, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from ledger import define_series, issue, void
from ledger.models import Entry
from tests.accounting.pushing import (
    DAY,
    MAKES_BY,
    STANDINS,
    Office,
    configured,
    row,
    sell,
    system_settings,
)
from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault
from tests.accounting.test_erpnext import connect as erpnext
from tests.accounting.test_erpnext import sale
from tests.concurrency.checkouts import checkouts
from workers import push_queue, writing_back
from workers.accounting import errors
from workers.accounting.base import State
from workers.models import Push, PushPosition

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "INV-2026-000001"


@pytest.fixture
def adapter() -> str:
    """Xero, where a test isn't about all of them."""
    return "xero"


@pytest.fixture
def books(adapter: str) -> Iterator[Books]:
    with STANDINS[adapter]() as books, configured(books=system_settings(adapter, books.url)):
        yield books


@pytest.fixture
def office(books: Books) -> Office:
    return Office(books)


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


class TestFinding:
    """What is owed is found by transaction ids, since ids and times come before COMMIT."""

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
        """As after a restore into a server whose transactions are counted anew."""
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
        queue = push_queue.PushQueue(writing_back.credentials.system("books"), "default")
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
        queue = push_queue.PushQueue(writing_back.credentials.system("books"), "default")
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
        push_queue.PushQueue(writing_back.credentials.system("books"), "default").retry()
        office.push()
        assert books.facts() == [(NUMBER, "order:1", State.VOID)]


class TestConflicts:
    """What is there otherwise is never taken for done."""

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
        push_queue.PushQueue(writing_back.credentials.system("books"), "default").retry([NUMBER])
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


class TestTrouble:
    def test_a_limit_is_waited_for_as_long_as_it_was_told(self, books: Books, office: Office) -> None:
        sell("order:1", "order:2")
        books.fail(*[Fault.LIMITED] * 3, method="PUT")
        run = office.push()
        assert isinstance(run.stopped_by, errors.RateLimited)
        assert run.as_dict()["later"] == 1
        at = row().next_attempt_at
        assert at == office.clock.now() + timedelta(seconds=books.retry_after)
        assert row("INV-2026-000002").attempts == 0, "the others aren't asked for in vain"
        Push.objects.exclude(number=NUMBER).delete()
        asked = books.count()
        office.push()
        assert books.count() == asked, "not before its time"
        office.clock.pass_by(books.retry_after)
        assert office.push().as_dict()["pushed"] == 1
        assert row().attempts == 0

    def test_a_fault_of_the_server_is_tried_again_later_and_later(self, books: Books, office: Office) -> None:
        sell("order:1")
        for expected in (60, 120, 240):
            books.fail(*[Fault.ERROR_500] * 3, method="PUT")
            assert office.push().as_dict()["later"] == 1
            assert row().next_attempt_at == office.clock.now() + timedelta(seconds=expected)
            assert "HTTP 500" in row().last_error
            asked = books.count()
            office.clock.pass_by(expected - 1)
            office.push()
            assert books.count() == asked
            office.clock.pass_by(1)
        assert office.push().as_dict()["pushed"] == 1
        assert row().last_error == ""

    def test_a_system_in_trouble_is_left_alone(self, books: Books, office: Office) -> None:
        sell(*[f"order:{n}" for n in range(6)])
        books.fail(*[Fault.ERROR_503] * 30, method="PUT")
        run = office.push()
        assert (run.as_dict()["later"], isinstance(run.stopped_by, errors.ServerFault)) == (3, True)
        assert "503" in PushPosition.objects.get().error
        books.faults.clear()
        office.clock.pass_by(60)
        assert office.push().as_dict()["pushed"] == 6
        assert PushPosition.objects.get().error == ""

    @pytest.mark.parametrize("fault", [Fault.EXPIRED, Fault.HTML])
    def test_what_is_a_matter_of_the_system_stops_the_run(self, books: Books, office: Office, fault: Fault) -> None:
        sell("order:1", "order:2")
        books.fail(*[fault] * 9)
        run = office.push()
        assert isinstance(run.stopped_by, errors.AuthenticationFailed | errors.UnexpectedAnswer)
        assert (row().state, row("INV-2026-000002").attempts) == ("waiting", 0)
        assert PushPosition.objects.get().error == str(run.stopped_by)
        books.faults.clear()
        office.clock.pass_by(60)
        assert office.push().as_dict()["pushed"] == 2

    def test_one_system_in_trouble_does_not_keep_the_others_from_their_turn(
        self, books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sell("order:1")
        office = Office(books)
        monkeypatch.setattr(writing_back.systems, "shared", office.plumbing)
        broken = system_settings("xero", "http://127.0.0.1:9", describe="")
        with configured(astray=broken, books=system_settings("xero", books.url)):
            with pytest.raises(errors.Misconfigured, match="astray: its 'describe' is"):
                writing_back.push_all("default")
        assert len(books.facts()) == 1
        assert Push.objects.get(system="astray").attempts == 0
        assert "describe" in PushPosition.objects.get(system="astray").error

    def test_no_document_is_begun_when_the_time_is_over(self, books: Books, office: Office) -> None:
        sell("order:1")
        assert office.push(seconds=0).as_dict()["pushed"] == 0
        assert books.count() == 0

    def test_no_push_inside_a_transaction(self, books: Books, office: Office) -> None:
        with transaction.atomic():
            sell("order:1")
            with pytest.raises(RuntimeError, match="inside a transaction"):
                office.push()
        assert books.count() == 0


class TestDescribing:
    """The host's hook says customer and amount; what it can't say is not pushed."""

    def test_its_parts_go_there(self, books: Books, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[Entry] = []

        def telling(entry: Entry) -> dict[str, Any]:
            seen.append(entry)
            return {"customer": "Rosa", "total": 12, "extra": {"Url": "https://shop.example/1"}, "currency": None}

        monkeypatch.setattr("tests.accounting.pushing.describe", telling)
        [sold] = sell("order:1")
        office.push()
        [document] = books.documents.values()
        assert document.body["Contact"] == {"Name": "Rosa"}
        assert document.body["LineItems"][0]["UnitAmount"] == 12.0
        assert document.body["Url"] == "https://shop.example/1"
        assert [(type(entry).__name__, entry.pk, entry.number) for entry in seen] == [("NumberIssued", sold.pk, NUMBER)]

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (None, "returned NoneType"),
            ({}, "no amount"),
            ({"total": 0.1}, "the total 0.1 of type float"),
            ({"total": True}, "of type bool"),
            ({"total": Decimal("NaN")}, "NaN"),
            ({"total": 1, "amount": 2}, "unknown parts amount"),
            ({"total": 1, "customer": 7}, "a customer of type int"),
            ({"extra": []}, "no dict"),
            ({"extra": {"when": object()}}, "can't be sent as JSON"),
        ],
    )
    def test_nonsense_is_for_a_person(
        self, books: Books, office: Office, said: Any, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sell("order:1", "order:2")
        once = iter([said])
        monkeypatch.setattr("tests.accounting.pushing.describe", lambda entry: next(once, {"total": 1}))
        assert office.push().as_dict()["failed"] == 1
        assert (row().state, told in row().last_error) == ("failed", True), row().last_error
        assert [reference for _, reference, _ in books.facts()] == ["order:2"]

    def test_one_that_raises(self, books: Books, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(entry: Entry) -> None:
            raise KeyError("order:1")

        monkeypatch.setattr("tests.accounting.pushing.describe", broken)
        sell("order:1")
        office.push()
        assert "describe of INV-2026-000001 raised KeyError: 'order:1'" in row().last_error
        assert "ledger_push --system books --retry" in row().last_error
        assert books.facts() == []

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"describe": ""}, "it is missing"),
            ({"describe": "tests.accounting.pushing"}, "names no function"),
            ({"describe": "tests.accounting.nowhere:describe"}, "No module named"),
            ({"describe": "tests.accounting.pushing:DAY"}, "names no function"),
            ({"series": []}, "'series' is"),
            ({"series": "invoice"}, "'series' is 'invoice'"),
            ({"push": "yes"}, "'push' is 'yes'"),
        ],
    )
    def test_settings_that_will_not_do(self, books: Books, office: Office, changes: dict[str, Any], told: str) -> None:
        sell("order:1")
        with configured(books=system_settings("xero", books.url, **changes)):
            with pytest.raises(errors.Misconfigured, match=told):
                office.push()
        assert books.count() == 0
        assert not Push.objects.filter(attempts__gt=0).exists()

    @pytest.mark.parametrize("adapter", ["odoo"])
    def test_a_system_that_numbers_at_post(self, books: Books, office: Office) -> None:
        sell("order:1")
        given = system_settings("odoo", books.url)
        del given["options"]["our_numbers"]
        with configured(books=given), pytest.raises(errors.Misconfigured, match="can't be pushed to odoo"):
            office.push()
        assert books.facts() == []

    @pytest.mark.parametrize("adapter", ["erpnext"])
    def test_numbers_out_of_a_pool_of_drafts(self, books: Any, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """The number is the draft's, and the draft becomes the document."""
        with closing(erpnext(books)) as adapter:
            slot = adapter.draft(sale("slot:1"))
        customer = sale("order:1").customer
        monkeypatch.setattr("tests.accounting.pushing.describe", lambda entry: {"customer": customer, "total": 100})
        define_series("invoice", template=f"{slot.number[:-5]}{{counter:05}}", calendar="never")
        sell("order:1", "order:2")
        run = office.push(draft_of=lambda entry: slot.remote_id if entry.document == "order:1" else "")
        assert (run.as_dict()["pushed"], run.as_dict()["failed"]) == (1, 1)
        assert books.facts() == [(slot.number, "order:1", State.POSTED)]
        assert "no draft that has the number" in Push.objects.get(document="order:2").last_error
