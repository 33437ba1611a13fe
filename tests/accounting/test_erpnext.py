"""The ERPNext adapter against its stand-in: drafts as a pool, and names that are given again."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.accounting.choosing import only
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import Conformance, check_wording, everything
from tests.accounting.standins.chosen_faults import path_ends
from tests.accounting.standins.erpnext import API_KEY, PREFIX, ERPNextStandIn
from tests.accounting.standins.server import Fault, Request
from workers.accounting import errors
from workers.accounting.base import NewInvoice, RemoteInvoice, State
from workers.accounting.erpnext import ERPNext

DAY = date(2026, 2, 1)


class TestERPNext(Conformance):
    standin_class = ERPNextStandIn
    adapter_class = ERPNext
    fills_in_by = "PUT"
    credentials = {"key": API_KEY, "secret": ERPNextStandIn.secret}
    options = {"item_code": "SALE"}


class Discreet(ERPNextStandIn):
    def __init__(self) -> None:
        super().__init__()
        self.shows_deletions = False


@only("cancel")
class TestERPNextThatDeletesDrafts(Conformance):
    """The vendor's own way with drafts."""

    standin_class = ERPNextStandIn
    adapter_class = ERPNext
    credentials = {"key": API_KEY, "secret": ERPNextStandIn.secret}
    options = {"delete_drafts": True, "item_code": "SALE"}


@only("delet", "cancel", "since", "page", "process")
class TestERPNextWithoutSystemManager(Conformance):
    """A user who may not read deleted documents."""

    standin_class = Discreet
    adapter_class = ERPNext
    credentials = {"key": API_KEY, "secret": ERPNextStandIn.secret}
    options = {"deletions": False, "item_code": "SALE"}


@pytest.fixture
def there() -> Iterator[ERPNextStandIn]:
    with ERPNextStandIn() as there:
        yield there


@pytest.fixture
def erpnext(there: ERPNextStandIn) -> Iterator[ERPNext]:
    with closing(connect(there)) as erpnext:
        yield erpnext


def connect(there: ERPNextStandIn, **options: Any) -> ERPNext:
    test = TestERPNext()
    return ERPNext(test.settings(there, **options), test.http_options(FakeClock()))


def sale(reference: str, **facts: Any) -> NewInvoice:
    given: dict[str, Any] = {"reference": reference, "issued_on": DAY, "customer": "C-1", "total": Decimal("100.00")}
    return NewInvoice(**(given | facts))


def taken(slot: RemoteInvoice, **facts: Any) -> NewInvoice:
    """The sale that got the number of this draft."""
    return sale("order:17", number=slot.number, draft_id=slot.remote_id, **facts)


def changes(request: Request) -> bool:
    return request.method in {"POST", "PUT", "DELETE"}


class TestPool:
    """Drafts made in advance, each with its number, and their fates."""

    def test_a_draft_becomes_the_invoice_of_a_sale(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        slots = [erpnext.draft(sale(f"slot:{n}", total=None)) for n in range(3)]
        assert [slot.number for slot in slots] == [f"{PREFIX}{n:05}" for n in (1, 2, 3)]
        made = erpnext.push(taken(slots[1], issued_on=date(2026, 2, 3)))
        assert made.remote_id == slots[1].remote_id
        assert (made.number, made.state, made.reference) == (slots[1].number, State.POSTED, "order:17")
        assert made.issued_on == date(2026, 2, 3)
        assert there.documents[made.remote_id].body["items"][0]["rate"] == 100.0
        assert len(there.facts()) == 3

    @pytest.mark.parametrize("fault", [Fault.LOST, Fault.TRUNCATED])
    def test_its_answer_may_be_lost(self, there: ERPNextStandIn, erpnext: ERPNext, fault: Fault) -> None:
        slot = erpnext.draft(sale("slot:1"))
        there.fail_when(changes, fault)
        made = erpnext.push(taken(slot))
        assert there.met == 1
        assert there.facts() == [(made.number, "order:17", State.POSTED)]
        assert erpnext.push(taken(slot)) == made

    @pytest.mark.parametrize("what", ["deleted", "deleted, and its number given again", "used", "cancelled", "renamed"])
    def test_a_draft_that_is_none_any_more_is_not_taken(
        self, there: ERPNextStandIn, erpnext: ERPNext, what: str
    ) -> None:
        slot = erpnext.draft(sale("slot:1"))
        if what.startswith("deleted"):
            there.delete(slot.remote_id)
        if what.endswith("again"):
            there.add("", DAY, "somebody's", State.DRAFT)
        if what in {"used", "cancelled"}:
            there.documents[slot.remote_id].state = State.POSTED if what == "used" else State.VOID
        if what == "renamed":
            there.renumber(slot.remote_id, "OTHER-1")
        before = there.facts()
        with pytest.raises(errors.NumberRefused, match=f"can't become {slot.number}") as caught:
            erpnext.push(taken(slot))
        check_wording(caught.value)
        assert there.facts() == before

    def test_a_sale_that_has_its_document_takes_no_other(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        slots = [erpnext.draft(sale(f"slot:{n}")) for n in range(2)]
        first = erpnext.push(taken(slots[0]))
        assert erpnext.push(taken(slots[1])) == first
        assert [state for _, _, state in there.facts()] == [State.POSTED, State.DRAFT]

    def test_an_unused_draft_is_cancelled_with_its_number(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        slot = erpnext.draft(sale("slot:1"))
        gone = erpnext.cancel(slot.remote_id)
        assert (gone.number, gone.state) == (slot.number, State.VOID)
        assert erpnext.draft(sale("slot:2")).number == f"{PREFIX}00002"

    @pytest.mark.parametrize("answers", [1, 2])
    def test_cancelling_it_may_break_in_the_middle(self, there: ERPNextStandIn, erpnext: ERPNext, answers: int) -> None:
        slot = erpnext.draft(sale("slot:1"))
        there.fail_when(changes, *[Fault.LOST] * answers)
        assert erpnext.cancel(slot.remote_id).state is State.VOID
        assert there.met == answers

    def test_a_refusal_costs_no_number(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        with pytest.raises(errors.AnswerLost, match="Customer C-404 not found") as caught:
            erpnext.push(sale("order:1", customer="C-404"))
        check_wording(caught.value)
        assert erpnext.push(sale("order:2")).number == f"{PREFIX}00001"

    def test_a_credit_note_is_not_taken_for_our_invoice(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        """It copies the reference of the invoice that it is made from."""
        there.add("ACC-RET-1", DAY, "order:1", is_return="1")
        made = erpnext.push(sale("order:1"))
        assert made.number != "ACC-RET-1"
        assert erpnext.push(sale("order:1")) == made

    def test_a_line_needs_an_account(self, there: ERPNextStandIn) -> None:
        with closing(connect(there, item_code="", income_account="")) as erpnext:
            with pytest.raises(errors.Misconfigured, match="income_account") as caught:
                erpnext.push(sale("order:1"))
            check_wording(caught.value)
            erpnext.push(sale("order:2", extra={"items": [{"income_account": "Sales", "rate": 1, "qty": 1}]}))
        with closing(connect(there, item_code="", income_account="Sales")) as erpnext:
            assert erpnext.push(sale("order:1")).total == Decimal("100.0")


class TestNamesGivenAgain:
    """Deleting the last draft takes the counter back: the next document gets its name."""

    def test_the_two_have_different_keys(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        first = there.add("", DAY, "order:1", State.DRAFT)
        there.now += timedelta(hours=1)
        there.delete(first)
        second = there.add("", DAY, "order:2", State.DRAFT)
        seen = everything(erpnext.changed(None))
        assert [(each.remote_id, each.number, each.state, each.reference) for each in seen] == [
            (second, f"{PREFIX}00001", State.DRAFT, "order:2"),
            (first, f"{PREFIX}00001", State.DELETED, "order:1"),
        ]

    def test_the_other_one_is_never_cancelled(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        first = there.add("", DAY, "order:1", State.DRAFT)
        there.delete(first)
        there.add("", DAY, "order:2", State.POSTED)
        assert erpnext.cancel(first).state is State.DELETED
        assert there.facts() == [(f"{PREFIX}00001", "order:2", State.POSTED)]

    def test_nor_where_deletions_cannot_be_read(self, there: ERPNextStandIn) -> None:
        first = there.add("", DAY, "order:1", State.DRAFT)
        there.delete(first)
        there.add("", DAY, "order:2", State.POSTED)
        there.shows_deletions = False
        with closing(connect(there, deletions=False)) as erpnext, pytest.raises(errors.NotThere) as caught:
            erpnext.cancel(first)
        check_wording(caught.value)
        assert there.facts() == [(f"{PREFIX}00001", "order:2", State.POSTED)]

    def test_a_hole_in_the_middle_is_not_filled(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        keys = [there.add("", DAY, f"order:{n}", State.DRAFT) for n in range(3)]
        there.delete(keys[1])
        assert erpnext.draft(sale("order:9")).number == f"{PREFIX}00004"

    def test_another_company_is_none_of_ours(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        there.add("X-1", DAY, company="Other Ltd")
        there.delete(there.add("X-2", DAY, company="Other Ltd"))
        assert everything(erpnext.changed(None)) == []

    def test_what_was_deleted_comes_in_pages_too(self, there: ERPNextStandIn) -> None:
        keys = [there.add(f"X-{n}", DAY) for n in range(7)]
        for key in keys[1:]:
            there.delete(key)
        with closing(connect(there, page_size=2)) as erpnext:
            pages = list(erpnext.changed(None))
            assert len(pages) == 3
            assert {each.remote_id for page in pages for each in page.invoices} == set(keys)
            rest = [each.remote_id for page in erpnext.changed(None, pages[0].next_cursor) for each in page.invoices]
            assert set(rest) | {each.remote_id for each in pages[0].invoices} == set(keys)


class TestClock:
    """ERPNext writes times by the site's clock, and never names its zone."""

    def test_times_are_of_the_sites_zone(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        there.add("X-1", DAY)
        [found] = everything(erpnext.changed(there.now))
        assert found.changed_at == there.now
        assert everything(erpnext.changed(there.now + timedelta(seconds=1))) == []

    def test_the_zone_may_be_given(self, there: ERPNextStandIn) -> None:
        there.add("X-1", DAY)
        with closing(connect(there, time_zone="Asia/Kolkata")) as erpnext:
            assert len(everything(erpnext.changed(there.now))) == 1
        assert there.count() == 2

    def test_a_zone_that_nobody_knows_is_told(self, there: ERPNextStandIn) -> None:
        there.add("X-1", DAY)
        with (
            closing(connect(there, time_zone="Asia/Atlantis")) as erpnext,
            pytest.raises(errors.Misconfigured, match="Atlantis") as caught,
        ):
            everything(erpnext.changed(there.now))
        check_wording(caught.value)

    def test_nothing_is_missed_when_the_clock_is_put_back(self, there: ERPNextStandIn) -> None:
        """At 03:00 of 25 October it is 02:00 again: what changed then seems to be older than what changed before."""
        there.zone = ZoneInfo("Europe/Berlin")
        since = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
        there.now = since + timedelta(minutes=20)
        there.add("X-1", DAY)
        with closing(connect(there)) as erpnext:
            assert len(everything(erpnext.changed(since))) == 1


class TestUniqueReference:
    """A custom field that is Unique makes ERPNext refuse the second document of one sale."""

    def test_whoever_comes_second_finds_the_first(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        there.unique_reference = True
        # Another caller makes the document between our look and our request.
        there.before_inserting = lambda: there.add("", DAY, "order:1")
        made = erpnext.push(sale("order:1"))
        assert there.facts() == [(made.number, "order:1", State.POSTED)]

    def test_another_field_that_is_unique_is_a_refusal(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        there.unique_reference = True
        there.before_inserting = lambda: there.add("", DAY, "ORDER:1")
        with pytest.raises(errors.Refused, match="Duplicate entry") as caught:
            erpnext.push(sale("order:1"))
        check_wording(caught.value)


class TestRefusals:
    def test_mark_up_and_tracebacks_are_left_out(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        with pytest.raises(errors.Refused, match=r"\[Sales Invoice, None\]: customer") as caught:
            erpnext.push(sale("order:1", customer=""))
        check_wording(caught.value)

    def test_what_was_submitted_meanwhile_counts(self, there: ERPNextStandIn, erpnext: ERPNext) -> None:
        """A person submitted the draft, so that ours is refused, and is no failure."""
        slot = erpnext.draft(sale("order:1"))
        there.fail_when(path_ends(slot.number), Fault.ERROR_500)
        with pytest.raises(errors.AccountingError) as caught:
            erpnext.push(sale("order:1"))
        assert caught.value.retryable
        there.documents[slot.remote_id].state = State.POSTED
        assert erpnext.push(sale("order:1")).remote_id == slot.remote_id

    def test_the_company_must_be_named(self, there: ERPNextStandIn) -> None:
        settings = replace(TestERPNext().settings(there), organisation="")
        with pytest.raises(errors.Misconfigured) as caught:
            ERPNext(settings, TestERPNext().http_options(FakeClock()))
        check_wording(caught.value)
