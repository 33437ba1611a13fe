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
from tests.integration.paper_books import DAY, There

pytestmark = pytest.mark.django_db(transaction=True)

ONE = "INV-2026-000001"


@pytest.fixture
def there() -> There:
    """Books that agree with the ledger: INV-2026-000001 to 3 for order:1 to 3."""
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    books = There()
    for n in (1, 2, 3):
        with transaction.atomic():
            entry = issue("invoice", document=f"order:{n}", on=DAY)
        books.put(f"r{n}", entry.number, reference=f"order:{n}")
    return books


def one() -> Entry:
    return Entry.objects.get(number=ONE)


def void_one() -> None:
    void(ONE, reason="wrong address")


Change = Callable[[There], Any]

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
def test_is_raised_once_resolved_and_raised_again(there: There, kind: str) -> None:
    make, subject, end = KINDS[kind]
    assert there.differs() == set()
    make(there)
    expected = {(kind, subject)}
    assert there.differs() == expected
    [finding] = findings(system="books")
    assert (finding.occurrence, finding.resolved_at, finding.is_acknowledged) == (1, None, False)
    for full in (False, True):
        done = there.compare(full=full)
        assert (done.raised, done.resolved, done.full) == ({}, {}, full)
    end(there)
    assert there.differs() == set()
    assert FindingResolved.objects.get().finding_id == finding.id
    assert there.compare(full=True).raised == {}
    assert [each.resolved_at is not None for each in findings(system="books", resolved=True)] == [True]
    AGAIN.get(kind, make)(there)
    assert there.differs() == expected
    assert [occurrence for _, _, occurrence in there.raised()] == [1, 2]
    assert list(verify()) == []


def test_both_sides_facts_are_kept(there: There) -> None:
    there.change("r1", issued_on=date(2025, 12, 31))
    there.differs()
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
    def test_after_the_grace_alone(self, there: There) -> None:
        there.papers.clear()
        there.books = replace(there.books, grace=timedelta(hours=1))
        assert there.differs() == set()
        there.books = replace(there.books, grace=timedelta(0))
        assert {kind for kind, _ in there.differs()} == {"missing"}

    def test_what_came_after_the_reading_is_not_missing(self, there: There) -> None:
        there.read()
        with transaction.atomic():
            issue("invoice", document="order:4", on=DAY)
        there.compare(full=True)
        assert there.open() == set()
        there.tell()
        there.compare()
        assert there.open() == {("missing", "INV-2026-000004")}

    def test_a_number_void_here_and_missing_there_is_no_finding(self, there: There) -> None:
        del there.papers["r1"]
        void_one()
        assert there.differs() == set()

    def test_a_draft_with_the_number_is_not_enough(self, there: There) -> None:
        there.change("r1", state="draft")
        assert there.differs() == {("missing", ONE)}
        [finding] = findings()
        assert [each["state"] for each in finding.facts["there"]] == ["draft"]

    def test_adopted_numbers_are_ours(self, there: There) -> None:
        adopt("OLD-77", 77)
        assert there.differs() == {("missing", "OLD-77")}
        there.put("old", "OLD-77")
        assert there.differs() == set()

    def test_of_the_chosen_series_alone(self, there: There) -> None:
        define_series("credit-note", template="CN-{year}-{counter:06}", time_zone="UTC")
        with transaction.atomic():
            issue("credit-note", document="order:1", on=DAY)
        there.books = replace(there.books, series=("invoice",))
        assert there.differs() == set()
        there.books = replace(there.books, series=None)
        assert there.differs() == {("missing", "CN-2026-000001")}

    def test_an_unknown_series_is_told(self, there: There) -> None:
        there.read()
        with pytest.raises(UnknownSeries, match="'invoise'"):
            compare(replace(there.books, series=("invoise",)))
        assert compare(replace(there.books, series=("invoice", "receipt"))).full


class TestTenants:
    def test_another_tenants_numbers_are_no_finding(self, there: There) -> None:
        """The same numbers, the same system's name."""
        with transaction.atomic():
            issue("invoice", org="other", document="order:1", on=DAY)
        assert there.differs() == set()
        others = There(BookSettings("books", tenant="other", grace=timedelta(0)))
        assert others.differs() == {("missing", ONE)}
        assert there.differs(full=True) == set()
        others.put("r1", ONE)
        others.put("r2", "INV-2026-000002")
        assert others.differs() == {("unknown", "INV-2026-000002")}
        assert there.differs(full=True) == set()


class TestDocuments:
    def test_swapped_numbers(self, there: There) -> None:
        there.change("r1", number="INV-2026-000002")
        there.change("r2", number=ONE)
        both = (ONE, "INV-2026-000002")
        assert there.differs() == {(kind, n) for kind in ("other-number", "other-document") for n in both}

    def test_two_series_of_one_document(self, there: There) -> None:
        define_series("credit-note", template="CN-{year}-{counter:06}", time_zone="UTC")
        with transaction.atomic():
            credit = issue("credit-note", document="order:1", on=DAY)
        there.put("c1", credit.number, reference="order:1")
        assert there.differs() == set()
        there.change("r1", number="", state="draft")
        assert there.differs() == {("missing", ONE)}

    def test_a_second_document_of_the_sale_is_unknown(self, there: There) -> None:
        there.put("r9", "X-9", reference="order:1")
        assert there.differs() == {("unknown", "X-9")}

    def test_deleted_and_made_again_under_another_number(self, there: There) -> None:
        there.change("r1", state="deleted")
        there.put("r9", "X-9", reference="order:1")
        assert there.differs() == {("deleted", ONE), ("other-number", ONE)}

    def test_case_makes_no_difference(self, there: There) -> None:
        there.change("r1", number=ONE.lower())
        assert there.differs() == set()


class TestTheDead:
    def test_where_numbers_are_kept_a_void_one_counts_twice(self, there: There) -> None:
        there.put("r9", ONE, state="void")
        assert there.differs() == {("duplicate", ONE)}
        there.books = replace(there.books, number_kept=False)
        assert there.differs() == {("reused", ONE)}

    def test_void_on_both_sides_and_given_to_another(self, there: There) -> None:
        there.books = replace(there.books, number_kept=False)
        void_one()
        there.change("r1", state="void")
        assert there.differs() == set()
        there.put("r9", ONE, reference="another")
        assert there.differs() == {("reused", ONE)}
        there.change("r9", reference="order:1")
        assert there.differs() == {("reused", ONE), ("void-here", ONE)}

    def test_void_here_and_deleted_there(self, there: There) -> None:
        void_one()
        there.change("r1", state="deleted")
        assert there.differs() == set()

    def test_absence_in_a_reading_of_everything_is_deletion(self, there: There) -> None:
        there.read()
        del there.papers["r1"]
        there.tell(there.papers.values())
        there.compare()
        assert there.open() == set()
        assert there.differs() == {("deleted", ONE)}

    def test_a_deletion_that_tells_nothing_but_the_key(self, there: There) -> None:
        there.read()
        there.compare()
        there.tell([replace(there.papers["r1"], state="deleted", number="", reference="", issued_on=None)])
        there.compare()
        assert there.open() == {("deleted", ONE)}
        gone = RemoteDocument.objects.get(remote_id="r1")
        assert (gone.number, gone.reference, gone.issued_on) == (ONE, "order:1", DAY)


class TestForeign:
    def test_what_fits_no_period_may_be_ignored(self, there: There) -> None:
        there.books = replace(there.books, foreign="ignore")
        for at, number in enumerate(
            ["X-1", "INV-2026-000009", "inv-2026-000010", "INV-2026-9", "INV-2026-", "INV-2026-x"]
        ):
            there.put(f"f{at}", number)
        assert there.differs() == {("unknown", "INV-2026-000009"), ("unknown", "INV-2026-000010")}

    def test_another_period_makes_more_fit(self, there: There) -> None:
        there.books = replace(there.books, foreign="ignore")
        there.put("f", "INV-2027-000009")
        assert there.differs() == set()
        with transaction.atomic():
            issue("invoice", document="next", on=date(2027, 1, 1))
        there.put("n", "INV-2027-000001", reference="next", issued_on=date(2027, 1, 1))
        assert there.differs() == {("unknown", "INV-2027-000009")}

    def test_drafts_are_nobodys_business(self, there: There) -> None:
        there.put("d", "X-1", state="draft")
        there.put("e", "", state="draft")
        there.put("f", "", state="posted")
        assert there.differs() == set()


class TestAcknowledging:
    def test_with_a_reason_and_once_more(self, there: There) -> None:
        there.put("r9", "X-9")
        there.differs()
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
        there.differs(full=True)
        assert there.raised() == [("unknown", "X-9", 1)]

    def test_only_what_is_open(self, there: There) -> None:
        there.put("r9", "X-9")
        there.differs()
        there.change("r9", number="")
        there.differs()
        [finding] = findings(resolved=True)
        with pytest.raises(ReconciliationError, match="is resolved"):
            acknowledge(finding, reason="late")
        with pytest.raises(ReconciliationError, match="no finding 0"):
            acknowledge(0, reason="why")

    def test_of_its_own_tenant(self, there: There) -> None:
        there.put("r9", "X-9")
        there.differs()
        raised = FindingRaised.objects.get()
        for model in (FindingAcknowledged, FindingResolved):
            with pytest.raises(IntegrityError, match="does not belong to tenant 'other'"), transaction.atomic():
                model.objects.create(tenant="other", finding=raised)
        with pytest.raises(IntegrityError, match="does not belong to tenant 'other'"), transaction.atomic():
            FindingRaised.objects.create(tenant="other", system="books", kind="gap", subject=ONE, entry=one())
        with pytest.raises(IntegrityError, match="is not resolved, or was never raised"), transaction.atomic():
            FindingRaised.objects.create(system="books", kind="unknown", subject="X-9", occurrence=2)


class TestConfirmed:
    def test_what_both_sides_say(self, there: There) -> None:
        void("INV-2026-000002", reason="wrong")
        there.change("r2", state="void")
        there.change("r3", state="void")
        there.put("again", ONE)
        there.read()
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
    def test_a_number_that_another_sale_bears_is_not_confirmed(self, there: There) -> None:
        there.read()
        assert count_confirmed() == 3
        there.change("r1", reference="another sale")
        assert there.differs() == {("other-document", ONE)}
        assert count_confirmed() == 2
        assert [each.number for each in confirmed_numbers()] == ["INV-2026-000002", "INV-2026-000003"]

    def test_where_we_pushed_it_is_the_document_that_we_pushed(self, there: There) -> None:
        there.change("r1", reference="")
        assert there.differs() == set()
        expect(there.books, [Expected(one().pk, "r1")])
        assert there.differs() == set()
        expect(there.books, [Expected(one().pk, "r0")])
        there.compare()
        assert there.open() == {("other-document", ONE)}
        assert count_confirmed() == 2
        there.put("r0", ONE)
        del there.papers["r1"]
        assert there.differs() == {("reused", ONE)}

    def test_what_we_pushed_is_ours_under_whatever_reference(self, there: There) -> None:
        expect(there.books, [Expected(one().pk, "r1")])
        there.change("r1", reference="shop/1")
        assert there.differs() == set()
        assert count_confirmed() == 3

    def test_our_own_among_others_is_enough(self, there: There) -> None:
        there.put("r9", ONE, reference="another sale")
        assert there.differs() == {("duplicate", ONE)}

    def test_given_to_another_sale_before_ours_was_ever_read(self, there: There) -> None:
        """Deleted there, and its number given again: all that a reading sees is a living document of that number."""
        del there.papers["r1"]
        there.put("r9", ONE, reference="S00042")
        for full in (False, True):
            assert there.differs(full=full) == {("other-document", ONE)}


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
    def test_to_the_smallest_unit(self, there: There, here: Any, there_: Any, differs: bool) -> None:
        total, currency = here
        expect(there.books, [Expected(one().pk, "", total and Decimal(total), currency)])
        there.change("r1", total=there_[0] and Decimal(there_[0]), currency=there_[1])
        expected = {("other-amount", ONE)} if differs else set()
        assert there.differs() == expected
        assert there.differs(full=True) == expected

    def test_the_customer_by_any_of_its_names(self, there: There) -> None:
        there.change("r1", customer="17\nAda Ltd")
        for name in ("17", "Ada Ltd", ""):
            expect(there.books, [Expected(one().pk, customer=name)])
            assert there.differs() == set()
        expect(there.books, [Expected(one().pk, customer="18")])
        assert there.differs() == {("other-amount", ONE)}
        [finding] = findings()
        assert (finding.facts["here"]["customer"], finding.facts["there"][0]["customer"]) == ("18", "17\nAda Ltd")

    def test_an_amount_beyond_all_money_is_not_compared(self, there: There) -> None:
        there.change("r1", total=Decimal("1e400"))
        expect(there.books, [Expected(one().pk, total=Decimal(1))])
        assert there.differs() == set()


class TestSpelling:
    @pytest.mark.parametrize(
        "spelling",
        ["INV-2026-000001 ", "INV-2026-000001\u00a0", "INV\u20112026\u2011000001", "INV-2026-1", "#INV-2026-000001",
         "INV-2026-000001-1", " inv-2026-000001\u200b"],
    )  # fmt: skip
    def test_near_matches_are_one_finding_with_both(self, there: There, spelling: str) -> None:
        there.change("r1", number=spelling, reference="")
        for full in (False, True):
            assert there.differs(full=full) == {("other-spelling", ONE)}
        [finding] = findings()
        assert (finding.number, [each["number"] for each in finding.facts["there"]]) == (ONE, [spelling])
        assert count_confirmed() == 2

    def test_an_amended_document_and_its_void_one(self, there: There) -> None:
        there.change("r1", state="void")
        there.put("r9", f"{ONE}-1", reference="order:1")
        assert there.differs() == {("other-spelling", ONE)}
        [finding] = findings()
        assert {each["number"] for each in finding.facts["there"]} == {ONE, f"{ONE}-1"}

    def test_another_one_in_its_place(self, there: There) -> None:
        there.change("r1", number=f"{ONE} ", reference="")
        assert there.differs() == {("other-spelling", ONE)}
        there.tell([there.change("r1", number=f"#{ONE}")])
        there.compare()
        there.tell()
        assert not there.compare().full
        assert there.open() == {("other-spelling", ONE)}
        there.tell([there.change("r1", number="", state="deleted")])
        there.compare()
        assert {kind for kind, _ in there.open()} == {"deleted"} or there.open() == {("missing", ONE)}

    def test_a_number_that_is_there_as_well_leaves_the_other_one_unknown(self, there: There) -> None:
        there.put("r9", f"{ONE} ")
        assert there.differs() == {("unknown", f"{ONE} ")}

    def test_other_numbers_of_the_series_are_no_spellings(self, there: There) -> None:
        del there.papers["r1"]
        there.put("r9", "INV-2026-000010")
        there.put("r8", "INV-2026-00001-")
        assert {kind for kind, _ in there.differs()} == {"missing", "unknown"}


class TestLost:
    def books(self, there: There, count: int) -> None:
        for n in range(4, count + 1):
            there.put(f"r{n}", f"X-{n}")
        there.read()

    def test_a_reading_of_everything_that_lost_much_is_refused(self, there: There) -> None:
        self.books(there, 20)
        for n in range(1, 6):
            del there.papers[f"r{n}"]
        with pytest.raises(LostDocuments, match="found 15 documents; 5 of the 20 known") as caught:
            there.read()
        assert "largest_loss" in caught.value.remedy
        there.compare()
        assert {kind for kind, _ in there.open()} == {"unknown"}
        there.books = replace(there.books, largest_loss=0.25)
        there.read()
        assert RemoteDocument.objects.filter(state="deleted").count() == 5

    def test_an_empty_answer_never_counts(self, there: There) -> None:
        there.read()
        there.papers.clear()
        there.books = replace(there.books, largest_loss=1)
        with pytest.raises(LostDocuments, match="found 0 documents; 3 of the 3 known"):
            there.read()

    def test_a_few_may_always_go(self, there: There) -> None:
        there.read()
        del there.papers["r1"], there.papers["r2"]
        there.read()
        assert RemoteDocument.objects.filter(state="deleted").count() == 2

    def test_an_empty_system_that_was_always_empty_is_read(self, there: There) -> None:
        there.papers.clear()
        there.read()


def test_nothing_is_compared_before_everything_was_read(there: There) -> None:
    with pytest.raises(ReconciliationError, match="never read to the end"):
        there.compare()


def test_odd_texts_are_kept_as_far_as_they_can_be(there: There) -> None:
    there.put("odd\0", "N\0" + "x" * 500, reference="r" * 500)
    there.put("torn", "T\ud800")
    found = there.differs()
    assert ("unknown", f"N\\u0000{'x' * 293}".upper()) in found
    assert ("unknown", "T\\UD800") in found


def test_nothing_waits_after_a_comparison(there: There) -> None:
    there.differs()
    there.change("r1", state="void")
    there.tell([there.papers["r1"]])
    assert PendingComparison.objects.exists()
    done = there.compare()
    assert not done.full
    assert not PendingComparison.objects.exists()
    assert done.raised == {"void-there": 1}
