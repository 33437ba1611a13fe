"""Reconciliation: each kind of finding is raised once, resolved when it is over, and raised when it comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from ledger import define_series, issue, void
from ledger.actions import acknowledge
from ledger.errors import InvalidReason, ReconciliationError, UnknownSeries
from ledger.models import (
    Entry,
    FindingAcknowledged,
    FindingKind,
    FindingRaised,
    FindingResolved,
    PendingComparison,
    RemoteDocument,
)
from ledger.reconciliation import BookSettings, compare, confirmed_numbers, count_confirmed, count_findings, findings
from ledger.reconciliation.mirror import Expected, LostDocuments, expect
from ledger.verification import verify
from tests.integration.admin_pages import adopt, flag_gap
from tests.integration.paper_books import DAY, PaperSystem

pytestmark = pytest.mark.django_db(transaction=True)

ONE = "INV-2026-000001"


@pytest.fixture
def system() -> PaperSystem:
    """Books that agree with the ledger: INV-2026-000001 to 3 for order:1 to 3."""
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    books = PaperSystem()
    for n in (1, 2, 3):
        with transaction.atomic():
            entry = issue("invoice", document=f"order:{n}", on=DAY)
        books.put(f"r{n}", entry.number, reference=f"order:{n}")
    return books


def one() -> Entry:
    return Entry.objects.get(number=ONE)


def void_one() -> None:
    void(ONE, reason="wrong address")


Change = Callable[[PaperSystem], Any]

#: Each kind: what makes it, its subject, and what ends it.
KINDS: dict[str, tuple[Change, str, Change]] = {
    "missing": (
        lambda t: t.change("r1", number="", state="draft"),
        ONE,
        lambda t: t.change("r1", number=ONE, state="posted"),
    ),
    "unknown": (lambda t: t.put("r9", "Foreign-7"), "FOREIGN-7", lambda t: t.change("r9", state="deleted")),
    "void-there": (lambda t: t.change("r1", state="void"), ONE, lambda t: t.change("r1", state="posted")),
    "void-here": (lambda t: void_one(), ONE, lambda t: t.change("r1", state="void")),
    "duplicate": (lambda t: t.put("r9", ONE), ONE, lambda t: t.change("r9", number="")),
    "other-number": (lambda t: t.change("r1", number=f"{ONE}-A"), ONE, lambda t: t.change("r1", number=ONE)),
    "other-period": (
        lambda t: t.change("r1", issued_on=date(2025, 12, 31)),
        ONE,
        lambda t: t.change("r1", issued_on=date(2026, 1, 1)),
    ),
    "deleted": (lambda t: t.change("r1", state="deleted"), ONE, lambda t: t.change("r1", state="posted")),
    "reused": (
        lambda t: (t.change("r1", state="deleted"), t.put("r9", ONE, reference="order:1")),
        ONE,
        lambda t: (t.change("r1", state="posted"), t.change("r9", number="")),
    ),
    "gap": (lambda t: t.put("r9", flag_gap().number), "INV-2026-000004", lambda t: t.change("r9", state="void")),
    "other-document": (
        lambda t: t.change("r1", reference="another sale"),
        ONE,
        lambda t: t.change("r1", reference="order:1"),
    ),
    "other-amount": (
        lambda t: t.expect(Expected(one().pk, total=Decimal(100))).change("r1", total=Decimal(115)),
        ONE,
        lambda t: t.change("r1", total=Decimal(100)),
    ),
    "other-spelling": (
        lambda t: t.change("r1", number=f"{ONE}\u00a0", reference=""),
        ONE,
        lambda t: t.change("r1", number=ONE),
    ),
}

#: What makes it again, where that is something else.
AGAIN: dict[str, Change] = {
    "void-here": lambda t: t.change("r1", state="posted"),
    "gap": lambda t: t.change("r9", state="posted"),
}


def test_every_kind_is_here() -> None:
    # A document that is gone is no matter of the books: tests/integration/test_missing_documents.py.
    assert set(KINDS) == set(FindingKind.values) - {FindingKind.NO_DOCUMENT}


@pytest.mark.parametrize("kind", KINDS)
def test_is_raised_once_resolved_and_raised_again(system: PaperSystem, kind: str) -> None:
    make, subject, end = KINDS[kind]
    assert system.differs() == set()
    make(system)
    expected = {(kind, subject)}
    assert system.differs() == expected
    [finding] = findings(system="books")
    assert (finding.occurrence, finding.resolved_at, finding.is_acknowledged) == (1, None, False)
    for full in (False, True):
        done = system.compare(full=full)
        assert (done.raised, done.resolved, done.full) == ({}, {}, full)
    end(system)
    assert system.differs() == set()
    assert FindingResolved.objects.get().finding_id == finding.id
    assert system.compare(full=True).raised == {}
    assert [each.resolved_at is not None for each in findings(system="books", resolved=True)] == [True]
    AGAIN.get(kind, make)(system)
    assert system.differs() == expected
    assert [occurrence for _, _, occurrence in system.raised()] == [1, 2]
    assert list(verify()) == []


def test_both_sides_facts_are_kept(system: PaperSystem) -> None:
    system.change("r1", issued_on=date(2025, 12, 31))
    system.differs()
    [finding] = findings()
    assert (finding.number, finding.document, finding.entry) == (ONE, "order:1", one().pk)
    here = finding.facts["here"]
    assert (here["number"], here["kind"], here["document"], here["issued_on"]) == (
        ONE,
        "issued",
        "order:1",
        "2026-03-01",
    )
    assert here["period"] == "2026-01-01 to 2026-12-31"
    assert here["void"] is None
    [paper] = finding.facts["there"]
    assert (paper["remote_id"], paper["state"], paper["issued_on"], paper["reference"]) == (
        "r1",
        "posted",
        "2025-12-31",
        "order:1",
    )


class TestMissing:
    def test_after_the_grace_alone(self, system: PaperSystem) -> None:
        system.papers.clear()
        system.books = replace(system.books, grace=timedelta(hours=1))
        assert system.differs() == set()
        system.books = replace(system.books, grace=timedelta(0))
        assert {kind for kind, _ in system.differs()} == {"missing"}

    def test_what_came_after_the_reading_is_not_missing(self, system: PaperSystem) -> None:
        system.read()
        with transaction.atomic():
            issue("invoice", document="order:4", on=DAY)
        system.compare(full=True)
        assert system.open() == set()
        system.tell()
        system.compare()
        assert system.open() == {("missing", "INV-2026-000004")}

    def test_a_number_void_here_and_missing_there_is_no_finding(self, system: PaperSystem) -> None:
        del system.papers["r1"]
        void_one()
        assert system.differs() == set()

    def test_a_draft_with_the_number_is_not_enough(self, system: PaperSystem) -> None:
        system.change("r1", state="draft")
        assert system.differs() == {("missing", ONE)}
        [finding] = findings()
        assert [each["state"] for each in finding.facts["there"]] == ["draft"]

    def test_adopted_numbers_are_ours(self, system: PaperSystem) -> None:
        adopt("OLD-77", 77)
        assert system.differs() == {("missing", "OLD-77")}
        system.put("old", "OLD-77")
        assert system.differs() == set()

    def test_of_the_chosen_series_alone(self, system: PaperSystem) -> None:
        define_series("credit-note", template="CN-{year}-{counter:06}", time_zone="UTC")
        with transaction.atomic():
            issue("credit-note", document="order:1", on=DAY)
        system.books = replace(system.books, series=("invoice",))
        assert system.differs() == set()
        system.books = replace(system.books, series=None)
        assert system.differs() == {("missing", "CN-2026-000001")}

    def test_an_unknown_series_is_told(self, system: PaperSystem) -> None:
        system.read()
        with pytest.raises(UnknownSeries, match="'invoise'"):
            compare(replace(system.books, series=("invoise",)))
        assert compare(replace(system.books, series=("invoice", "receipt"))).full


class TestTenants:
    def test_another_tenants_numbers_are_no_finding(self, system: PaperSystem) -> None:
        """The same numbers, the same system's name."""
        with transaction.atomic():
            issue("invoice", org="other", document="order:1", on=DAY)
        assert system.differs() == set()
        others = PaperSystem(BookSettings("books", tenant="other", grace=timedelta(0)))
        assert others.differs() == {("missing", ONE)}
        assert system.differs(full=True) == set()
        others.put("r1", ONE)
        others.put("r2", "INV-2026-000002")
        assert others.differs() == {("unknown", "INV-2026-000002")}
        assert system.differs(full=True) == set()


class TestDocuments:
    def test_swapped_numbers(self, system: PaperSystem) -> None:
        system.change("r1", number="INV-2026-000002")
        system.change("r2", number=ONE)
        both = (ONE, "INV-2026-000002")
        assert system.differs() == {(kind, n) for kind in ("other-number", "other-document") for n in both}

    def test_two_series_of_one_document(self, system: PaperSystem) -> None:
        define_series("credit-note", template="CN-{year}-{counter:06}", time_zone="UTC")
        with transaction.atomic():
            credit = issue("credit-note", document="order:1", on=DAY)
        system.put("c1", credit.number, reference="order:1")
        assert system.differs() == set()
        system.change("r1", number="", state="draft")
        assert system.differs() == {("missing", ONE)}

    def test_a_second_document_of_the_sale_is_unknown(self, system: PaperSystem) -> None:
        system.put("r9", "X-9", reference="order:1")
        assert system.differs() == {("unknown", "X-9")}

    def test_deleted_and_made_again_under_another_number(self, system: PaperSystem) -> None:
        system.change("r1", state="deleted")
        system.put("r9", "X-9", reference="order:1")
        assert system.differs() == {("deleted", ONE), ("other-number", ONE)}

    def test_case_makes_no_difference(self, system: PaperSystem) -> None:
        system.change("r1", number=ONE.lower())
        assert system.differs() == set()


class TestTheDead:
    def test_where_numbers_are_kept_a_void_one_counts_twice(self, system: PaperSystem) -> None:
        system.put("r9", ONE, state="void")
        assert system.differs() == {("duplicate", ONE)}
        system.books = replace(system.books, number_kept=False)
        assert system.differs() == {("reused", ONE)}

    def test_void_on_both_sides_and_given_to_another(self, system: PaperSystem) -> None:
        system.books = replace(system.books, number_kept=False)
        void_one()
        system.change("r1", state="void")
        assert system.differs() == set()
        system.put("r9", ONE, reference="another")
        assert system.differs() == {("reused", ONE)}
        system.change("r9", reference="order:1")
        assert system.differs() == {("reused", ONE), ("void-here", ONE)}

    def test_void_here_and_deleted_there(self, system: PaperSystem) -> None:
        void_one()
        system.change("r1", state="deleted")
        assert system.differs() == set()

    def test_absence_in_a_reading_of_everything_is_deletion(self, system: PaperSystem) -> None:
        system.read()
        del system.papers["r1"]
        system.tell(system.papers.values())
        system.compare()
        assert system.open() == set()
        assert system.differs() == {("deleted", ONE)}

    def test_a_deletion_that_tells_nothing_but_the_key(self, system: PaperSystem) -> None:
        system.read()
        system.compare()
        system.tell([replace(system.papers["r1"], state="deleted", number="", reference="", issued_on=None)])
        system.compare()
        assert system.open() == {("deleted", ONE)}
        gone = RemoteDocument.objects.get(remote_id="r1")
        assert (gone.number, gone.reference, gone.issued_on) == (ONE, "order:1", DAY)


class TestForeign:
    def test_what_fits_no_period_may_be_ignored(self, system: PaperSystem) -> None:
        system.books = replace(system.books, foreign="ignore")
        for at, number in enumerate(
            ["X-1", "INV-2026-000009", "inv-2026-000010", "INV-2026-9", "INV-2026-", "INV-2026-x"]
        ):
            system.put(f"f{at}", number)
        assert system.differs() == {("unknown", "INV-2026-000009"), ("unknown", "INV-2026-000010")}

    def test_another_period_makes_more_fit(self, system: PaperSystem) -> None:
        system.books = replace(system.books, foreign="ignore")
        system.put("f", "INV-2027-000009")
        assert system.differs() == set()
        with transaction.atomic():
            issue("invoice", document="next", on=date(2027, 1, 1))
        system.put("n", "INV-2027-000001", reference="next", issued_on=date(2027, 1, 1))
        assert system.differs() == {("unknown", "INV-2027-000009")}

    def test_drafts_are_nobodys_business(self, system: PaperSystem) -> None:
        system.put("d", "X-1", state="draft")
        system.put("e", "", state="draft")
        system.put("f", "", state="posted")
        assert system.differs() == set()


class TestAcknowledging:
    def test_with_a_reason_and_once_more(self, system: PaperSystem) -> None:
        system.put("r9", "X-9")
        system.differs()
        [finding] = findings()
        with pytest.raises(InvalidReason):
            acknowledge(finding, reason=" ")
        acknowledge(finding, reason="a test document", by="ada")
        acknowledge(finding.id, reason="still there", by="grace")
        [finding] = findings(acknowledged=True)
        assert (finding.reason, finding.acknowledged_by) == ("still there", "grace")
        assert list(findings(acknowledged=False)) == []
        assert count_findings(acknowledged=False) == {}
        assert count_findings() == {"unknown": 1}
        assert FindingAcknowledged.objects.count() == 2
        system.differs(full=True)
        assert system.raised() == [("unknown", "X-9", 1)]

    def test_only_what_is_open(self, system: PaperSystem) -> None:
        system.put("r9", "X-9")
        system.differs()
        system.change("r9", number="")
        system.differs()
        [finding] = findings(resolved=True)
        with pytest.raises(ReconciliationError, match="is resolved"):
            acknowledge(finding, reason="late")
        with pytest.raises(ReconciliationError, match="no finding 0"):
            acknowledge(0, reason="why")

    def test_of_its_own_tenant(self, system: PaperSystem) -> None:
        system.put("r9", "X-9")
        system.differs()
        raised = FindingRaised.objects.get()
        for model in (FindingAcknowledged, FindingResolved):
            with pytest.raises(IntegrityError, match="does not belong to tenant 'other'"), transaction.atomic():
                model.objects.create(tenant="other", finding=raised)
        with pytest.raises(IntegrityError, match="does not belong to tenant 'other'"), transaction.atomic():
            FindingRaised.objects.create(tenant="other", system="books", kind="gap", subject=ONE, entry=one())
        with pytest.raises(IntegrityError, match="is not resolved, or was never raised"), transaction.atomic():
            FindingRaised.objects.create(system="books", kind="unknown", subject="X-9", occurrence=2)


class TestConfirmed:
    def test_what_both_sides_say(self, system: PaperSystem) -> None:
        void("INV-2026-000002", reason="wrong")
        system.change("r2", state="void")
        system.change("r3", state="void")
        system.put("again", ONE)
        system.read()
        found = list(confirmed_numbers())
        assert [(each.number, each.state, each.series) for each in found] == [
            (ONE, "posted", "invoice"),
            ("INV-2026-000002", "void", "invoice"),
        ]
        assert found[0].entry == one().pk
        period = one().period_id
        assert count_confirmed(series="invoice", period=period, system="books") == 2
        assert count_confirmed(system="others") == count_confirmed(org="other") == count_confirmed(period=-1) == 0


class TestOurs:
    def test_a_number_that_another_sale_bears_is_not_confirmed(self, system: PaperSystem) -> None:
        system.read()
        assert count_confirmed() == 3
        system.change("r1", reference="another sale")
        assert system.differs() == {("other-document", ONE)}
        assert count_confirmed() == 2
        assert [each.number for each in confirmed_numbers()] == ["INV-2026-000002", "INV-2026-000003"]

    def test_where_we_pushed_it_is_the_document_that_we_pushed(self, system: PaperSystem) -> None:
        system.change("r1", reference="")
        assert system.differs() == set()
        expect(system.books, [Expected(one().pk, "r1")])
        assert system.differs() == set()
        expect(system.books, [Expected(one().pk, "r0")])
        system.compare()
        assert system.open() == {("other-document", ONE)}
        assert count_confirmed() == 2
        system.put("r0", ONE)
        del system.papers["r1"]
        assert system.differs() == {("reused", ONE)}

    def test_what_we_pushed_is_ours_under_whatever_reference(self, system: PaperSystem) -> None:
        expect(system.books, [Expected(one().pk, "r1")])
        system.change("r1", reference="shop/1")
        assert system.differs() == set()
        assert count_confirmed() == 3

    def test_our_own_among_others_is_enough(self, system: PaperSystem) -> None:
        system.put("r9", ONE, reference="another sale")
        assert system.differs() == {("duplicate", ONE)}

    def test_given_to_another_sale_before_ours_was_ever_read(self, system: PaperSystem) -> None:
        """Deleted there, and its number given again: all that a reading sees is a living document of that number."""
        del system.papers["r1"]
        system.put("r9", ONE, reference="S00042")
        for full in (False, True):
            assert system.differs(full=full) == {("other-document", ONE)}


class TestAmounts:
    @pytest.mark.parametrize(
        ("here", "there_", "differs"),
        [
            (("100.00", "EUR"), ("100", "EUR"), False),
            (("100.00", "EUR"), ("100.004", "EUR"), False),
            (("100.00", "EUR"), ("100.01", "EUR"), True),
            (("100", "JPY"), ("100.4", "JPY"), False),
            (("100", "JPY"), ("101", "JPY"), True),
            (("1.234", "KWD"), ("1.235", "KWD"), True),
            (("1.234", ""), ("1.235", "KWD"), True),
            (("1.234", ""), ("1.233", ""), False),
            (("100", "EUR"), ("100", "USD"), True),
            (("100", "EUR"), ("-100", "EUR"), False),
            (("100", "EUR"), (None, ""), False),
            ((None, ""), ("7", "EUR"), False),
        ],
    )
    def test_to_the_smallest_unit(self, system: PaperSystem, here: Any, there_: Any, differs: bool) -> None:
        total, currency = here
        expect(system.books, [Expected(one().pk, "", total and Decimal(total), currency)])
        system.change("r1", total=there_[0] and Decimal(there_[0]), currency=there_[1])
        expected = {("other-amount", ONE)} if differs else set()
        assert system.differs() == expected
        assert system.differs(full=True) == expected

    def test_the_customer_by_any_of_its_names(self, system: PaperSystem) -> None:
        system.change("r1", customer="17\nAda Ltd")
        for name in ("17", "Ada Ltd", ""):
            expect(system.books, [Expected(one().pk, customer=name)])
            assert system.differs() == set()
        expect(system.books, [Expected(one().pk, customer="18")])
        assert system.differs() == {("other-amount", ONE)}
        [finding] = findings()
        assert (finding.facts["here"]["customer"], finding.facts["there"][0]["customer"]) == ("18", "17\nAda Ltd")

    def test_an_amount_beyond_all_money_is_not_compared(self, system: PaperSystem) -> None:
        system.change("r1", total=Decimal("1e400"))
        expect(system.books, [Expected(one().pk, total=Decimal(1))])
        assert system.differs() == set()


class TestSpelling:
    @pytest.mark.parametrize(
        "spelling",
        ["INV-2026-000001 ", "INV-2026-000001\u00a0", "INV\u20112026\u2011000001", "INV-2026-1", "#INV-2026-000001",
         "INV-2026-000001-1", " inv-2026-000001\u200b"],
    )  # fmt: skip
    def test_near_matches_are_one_finding_with_both(self, system: PaperSystem, spelling: str) -> None:
        system.change("r1", number=spelling, reference="")
        for full in (False, True):
            assert system.differs(full=full) == {("other-spelling", ONE)}
        [finding] = findings()
        assert (finding.number, [each["number"] for each in finding.facts["there"]]) == (ONE, [spelling])
        assert count_confirmed() == 2

    def test_an_amended_document_and_its_void_one(self, system: PaperSystem) -> None:
        system.change("r1", state="void")
        system.put("r9", f"{ONE}-1", reference="order:1")
        assert system.differs() == {("other-spelling", ONE)}
        [finding] = findings()
        assert {each["number"] for each in finding.facts["there"]} == {ONE, f"{ONE}-1"}

    def test_another_one_in_its_place(self, system: PaperSystem) -> None:
        system.change("r1", number=f"{ONE} ", reference="")
        assert system.differs() == {("other-spelling", ONE)}
        system.tell([system.change("r1", number=f"#{ONE}")])
        system.compare()
        system.tell()
        assert not system.compare().full
        assert system.open() == {("other-spelling", ONE)}
        system.tell([system.change("r1", number="", state="deleted")])
        system.compare()
        assert {kind for kind, _ in system.open()} == {"deleted"} or system.open() == {("missing", ONE)}

    def test_a_number_that_is_there_as_well_leaves_the_other_one_unknown(self, system: PaperSystem) -> None:
        system.put("r9", f"{ONE} ")
        assert system.differs() == {("unknown", f"{ONE} ")}

    def test_other_numbers_of_the_series_are_no_spellings(self, system: PaperSystem) -> None:
        del system.papers["r1"]
        system.put("r9", "INV-2026-000010")
        system.put("r8", "INV-2026-00001-")
        assert {kind for kind, _ in system.differs()} == {"missing", "unknown"}


class TestLost:
    def books(self, system: PaperSystem, count: int) -> None:
        for n in range(4, count + 1):
            system.put(f"r{n}", f"X-{n}")
        system.read()

    def test_a_reading_of_everything_that_lost_much_is_refused(self, system: PaperSystem) -> None:
        self.books(system, 20)
        for n in range(1, 6):
            del system.papers[f"r{n}"]
        with pytest.raises(LostDocuments, match="found 15 documents; 5 of the 20 known") as caught:
            system.read()
        assert "largest_loss" in caught.value.remedy
        system.compare()
        assert {kind for kind, _ in system.open()} == {"unknown"}
        system.books = replace(system.books, largest_loss=0.25)
        system.read()
        assert RemoteDocument.objects.filter(state="deleted").count() == 5

    def test_an_empty_answer_never_counts(self, system: PaperSystem) -> None:
        system.read()
        system.papers.clear()
        system.books = replace(system.books, largest_loss=1)
        with pytest.raises(LostDocuments, match="found 0 documents; 3 of the 3 known"):
            system.read()

    def test_a_few_may_always_go(self, system: PaperSystem) -> None:
        system.read()
        del system.papers["r1"], system.papers["r2"]
        system.read()
        assert RemoteDocument.objects.filter(state="deleted").count() == 2

    def test_an_empty_system_that_was_always_empty_is_read(self, system: PaperSystem) -> None:
        system.papers.clear()
        system.read()


def test_nothing_is_compared_before_everything_was_read(system: PaperSystem) -> None:
    with pytest.raises(ReconciliationError, match="never read to the end"):
        system.compare()


def test_odd_texts_are_kept_as_far_as_they_can_be(system: PaperSystem) -> None:
    system.put("odd\0", "N\0" + "x" * 500, reference="r" * 500)
    system.put("torn", "T\ud800")
    found = system.differs()
    assert ("unknown", f"N\\u0000{'x' * 293}".upper()) in found
    assert ("unknown", "T\\UD800") in found


def test_nothing_waits_after_a_comparison(system: PaperSystem) -> None:
    system.differs()
    system.change("r1", state="void")
    system.tell([system.papers["r1"]])
    assert PendingComparison.objects.exists()
    done = system.compare()
    assert not done.full
    assert not PendingComparison.objects.exists()
    assert done.raised == {"void-there": 1}
