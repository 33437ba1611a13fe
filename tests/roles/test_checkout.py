"""The checkout's role issues by every allocation, and reads. What it may not do is in test_attacks.py."""

import pytest
from django.db import IntegrityError, transaction

from ledger import define_series, issue, issue_many, preview, void
from ledger.errors import DocumentVoided, NotGranted
from ledger.models import Allocation, Entry, Period, Series
from tests.allocations import expect_all_accounted_for
from tests.drafts import stock
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, USUAL, VOID, WORKERS, rows


def test_everything_is_made_on_first_use() -> None:
    """A default series, its period, and the next day's number by another login."""
    with transaction.atomic(using=CHECKOUT):
        first = issue("invoice", org="new", document="order:1", on=DAY, by="till", using=CHECKOUT)
        assert issue("invoice", org="new", document="order:1", on=DAY, using=CHECKOUT) == first
        block = issue_many("invoice", documents=["a", "b", "c"], org="new", on=DAY, using=CHECKOUT)
        issue("ticket", org="new", using=CHECKOUT)
    assert [str(entry) for entry in (first, *block)] == [f"INV-2026-00000{n}" for n in (1, 2, 3, 4)]
    assert preview("invoice", org="new", on=DAY, using=CHECKOUT) == "INV-2026-000005"


@pytest.mark.parametrize("allocation", Allocation.values)
def test_each_allocation(allocation: str) -> None:
    """A retry, a savepoint and a checkout that roll back, a block, a number that is read early, a preview."""
    code = f"checkout-{allocation}"
    define_series(
        code,
        template=f"C{allocation}-{{year}}-{{counter}}",
        allocation=allocation,
        system="books" if allocation == "remote" else "",
        using=FINANCE,
    )
    if allocation == "remote":
        series = Series.objects.using(WORKERS).get(code=code)
        stock(series, [f"C{n:03}" for n in range(1, 31)], day=DAY, using=WORKERS)
    with transaction.atomic(using=CHECKOUT):
        first = issue(code, on=DAY, document="kept", using=CHECKOUT)
        assert first.value == 1  # also for at_commit: reading the value numbers it now
        with transaction.atomic(using=CHECKOUT):
            issue(code, on=DAY, using=CHECKOUT)
            transaction.set_rollback(True, using=CHECKOUT)
    with transaction.atomic(using=CHECKOUT):
        assert issue(code, on=DAY, document="kept", using=CHECKOUT) == first
        issue(code, on=DAY, document="left", using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    with transaction.atomic(using=CHECKOUT):
        block = issue_many(code, documents=[f"block:{n}" for n in range(20)], on=DAY, using=CHECKOUT)
    burnt = 2 if allocation == "reserved" else 0
    assert [entry.value for entry in block] == list(range(2 + burnt, 22 + burnt))
    following = Period.objects.using(CHECKOUT).get(series__code=code).number_of(22 + burnt, CHECKOUT)
    assert preview(code, on=DAY, using=CHECKOUT) == following
    expect_all_accounted_for(OWNER)


def test_the_order_of_dates() -> None:
    define_series("dated", template="D{year}-{counter:03}", chronological=True, using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("dated", document="a", on=DAY, using=CHECKOUT)
    period = Period.objects.using(CHECKOUT).get(prefix="D2026-")
    assert (period.last_value, period.last_issued_on) == (1, DAY)


def test_at_commit_numbers_several_series_with_the_rights_of_the_ledger() -> None:
    """While COMMIT runs, and even if the transaction has switched to a role without rights."""
    for code in ("late-a", "late-b"):
        define_series(code, template=f"{code}-{{year}}-{{counter}}", allocation="at_commit", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        entries = [issue(code, on=DAY, document="x", using=CHECKOUT) for code in ("late-b", "late-a", "late-b")]
        rows(CHECKOUT, "SET LOCAL search_path = pg_catalog")
    assert [str(entry) for entry in entries] == ["late-b-2026-1", "late-a-2026-1", "late-b-2026-1"]


def test_each_entry_tells_who_was_logged_in() -> None:
    with transaction.atomic(using=CHECKOUT):
        entry = issue("invoice", org="who", by="ada", on=DAY, using=CHECKOUT)
    kept = Entry.objects.using(OWNER).get(pk=entry.pk)
    assert (kept.actor, kept.db_role) == ("ada", "none")
    assert kept.db_login.startswith('Shop "checkout" ')


def test_who_voids() -> None:
    """If the checkout voids numbers itself, its role needs the purpose ``void`` too."""
    with transaction.atomic(using=CHECKOUT):
        one, other, third = issue_many("invoice", documents=["1", "2", "3"], org="voids", on=DAY, using=CHECKOUT)
    with pytest.raises(NotGranted, match="--purpose void"):
        void(one, reason="reversed", using=CHECKOUT)
    for alias, entry in ((VOID, one), (USUAL, other), (FINANCE, third)):
        assert void(entry, reason="reversed", by="clerk", using=alias).entry_id == entry.pk


@pytest.mark.parametrize("allocation", Allocation.values)
def test_a_void_number_of_the_same_document_can_be_replaced(allocation: str) -> None:
    code = f"again-{allocation}"
    system = "books" if allocation == "remote" else ""
    define_series(
        code, template=f"A{allocation}-{{year}}-{{counter}}", allocation=allocation, system=system, using=FINANCE
    )
    if allocation == "remote":
        stock(Series.objects.using(WORKERS).get(code=code), [f"A{n:03}" for n in range(1, 9)], day=DAY, using=WORKERS)
    with transaction.atomic(using=CHECKOUT):
        first = issue(code, on=DAY, document="order:1", using=CHECKOUT)
    void(Entry.objects.using(VOID).get(pk=first.pk), reason="wrong address", using=VOID)
    with transaction.atomic(using=CHECKOUT):
        with pytest.raises(DocumentVoided):
            issue(code, on=DAY, document="order:1", using=CHECKOUT)
        second = issue(code, on=DAY, document="order:1", replaces=first, using=CHECKOUT)
    assert Entry.objects.using(OWNER).get(pk=second.pk).replaces_id == first.pk
    expect_all_accounted_for(OWNER)


#: Functions with an argument for the replaced entry, as a program with the checkout's role could call them.
REPLACING = {
    "serial": "SELECT ledger_issue_serial('', '{code}', '{day}', NULL, '{document}', '', '{{}}', {replaces})",
    "pooled": "SELECT ledger_issue_slot('pooled', '', '{code}', '{day}', NULL, '{document}', '', '{{}}', {replaces})",
    "at_commit": "SELECT ledger_leave_ticket("
    "'', '{code}', '{day}', NULL, ARRAY['{document}'], '', '{{}}', true, '', {replaces})",
}


@pytest.mark.parametrize("allocation", REPLACING)
@pytest.mark.parametrize("case", ["valid", "of another document", "of another series", "of nothing"])
def test_nothing_else_can_be(allocation: str, case: str) -> None:
    """Also for a program that calls the functions without Folio's Python."""
    code = f"never-{allocation}-{case.split()[-1]}"
    for name in (code, f"{code}-other"):
        define_series(name, template=f"{name}-{{year}}-{{counter}}", allocation=allocation, using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        for document in ("order:1", "order:2"):
            issue(code, on=DAY, document=document, using=CHECKOUT)
        issue(f"{code}-other", on=DAY, document="order:1", using=CHECKOUT)
    entries = Entry.objects.using(OWNER).filter(series__code__startswith=code)
    other = entries.get(series__code=f"{code}-other")
    replaced = {
        "valid": entries.get(series__code=code, document="order:1").pk,
        "of another document": entries.get(series__code=code, document="order:2").pk,
        "of another series": other.pk,
        "of nothing": 0,
    }[case]
    if case != "valid" and replaced:
        void(Entry.objects.using(VOID).get(pk=replaced), reason="a test", using=VOID)
    before = entries.count()
    statement = REPLACING[allocation].format(code=code, day=DAY, document="order:1", replaces=replaced)
    refused = pytest.raises(IntegrityError, match="replaces a number that is not void, or is another document")
    with refused, transaction.atomic(using=CHECKOUT):
        rows(CHECKOUT, statement)
        rows(CHECKOUT, "SET CONSTRAINTS ALL IMMEDIATE")
    assert entries.count() == before
