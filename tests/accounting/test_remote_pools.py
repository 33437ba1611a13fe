"""Remote pools end to end: real HTTP to stand-ins that number drafts, and the ledger that gives their numbers out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import override_settings

from ledger import issue, open_period, remote, sweeps
from ledger.compat.moving.pool import Pool, move_pool
from ledger.errors import PoolExhausted
from ledger.models import DraftMade, GapFlagged, Period, RemotePool, SweepRun
from ledger.remote import pools
from tests.accounting.remote_pools import NOW, Vendor, all_is_well, free, http_options, number, refill, vendor as vendor
from tests.accounting.standins.erpnext import ERPNextStandIn
from tests.allocations import rolled_back
from tests.drafts import remote_series
from tests.shop.lorikeet import KeyedInvoiceID
from workers.accounting import errors, systems
from workers.accounting.base import NewInvoice, State
from workers.remote.refilling import misfit
from workers.system_sweeps import sweep_name, systems_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_filled_taken_given_back_and_filled_again(vendor: Vendor) -> None:
    remote_series()
    assert refill()["drafted"] == 4
    assert vendor.drafts() == free() == vendor.numbers(1, 2, 3, 4)
    asked = vendor.standin.count()
    assert number("order:1") == vendor.number(1)
    with rolled_back():
        assert str(issue("invoice", document="order:2")) == vendor.number(2)
    assert number("order:3") == vendor.number(2)
    assert vendor.standin.count() == asked, "no checkout talks to the network"
    assert refill()["drafted"] == 2
    assert free() == vendor.numbers(3, 4, 5, 6)
    assert refill()["drafted"] == 0
    pool = RemotePool.objects.get()
    assert (pool.error, pool.claimed_by, pool.wanted) == ("", "", 4)
    assert pool.refilled_at is not None
    all_is_well()


def test_no_draft_of_a_system_that_numbers_by_its_clock_is_made_across_a_periods_edge(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days before a month begins, Xero's pool for it gets its first drafts; ERPNext's would have this month."""
    monkeypatch.setattr(pools, "_BEFORE", 40)
    series = remote_series(template="X-{year}-{month}-{counter}", calendar="month")
    open_period(series, datetime.now(UTC).date().replace(day=1) + timedelta(days=32))
    refill()
    drafted = {each.starts_on: each.has_drafts for each in Period.objects.all()}
    assert len(drafted) == 2
    assert drafted.pop(min(drafted))
    assert set(drafted.values()) == {vendor.name == "xero"}
    if vendor.name == "erpnext":
        with pytest.raises(PoolExhausted, match="This period has no draft yet") as caught, transaction.atomic():
            issue("invoice", document="order:1", on=max(drafted))
        assert str(max(drafted)) in caught.value.remedy


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("SI-2026-12-00004", True),
        ("SI-2026-11-00004", False),
        ("SI-202611-4", False),
        ("SI-2027-00004", False),
        ("SI-2026-00004", True),
        ("SI-00004", True),
        ("SI-20261-4", True),
    ],
)
def test_a_number_of_another_period_is_told(number: str, fits: bool) -> None:
    assert (misfit(number, date(2026, 12, 1), date(2026, 12, 31)) == "") == fits


def test_a_draft_whose_number_is_another_periods_is_not_taken() -> None:
    with ERPNextStandIn() as there:
        vendor = Vendor(there, "erpnext")
        there.now = datetime.now(UTC)
        there.prefix = "ACC-SINV-2019-"
        with override_settings(LEDGER_ACCOUNTING=vendor.settings()):
            remote_series()
            with pytest.raises(errors.NumberRefused, match="could not be taken"):
                refill()
        assert free() == []
        assert DraftMade.objects.filter(refusal__startswith="its number has 2019").count() == 5


def test_the_entry_finds_its_draft_which_becomes_the_document(vendor: Vendor) -> None:
    remote_series()
    refill()
    with transaction.atomic():
        entry = issue("invoice", document="order:1")
    draft = remote.draft_of(entry)
    assert draft is not None
    assert (draft.system, draft.number) == ("books", str(entry))
    system = systems.connect("books", http_options())
    try:
        pushed = system.push(
            NewInvoice(
                reference=entry.document,
                issued_on=entry.issued_on,
                number=entry.number,
                customer="C-1",
                draft_id=draft.remote_id,
            )
        )
    finally:
        system.close()
    assert (pushed.number, pushed.reference, pushed.state) == (entry.number, "order:1", State.POSTED)
    refill()
    assert not GapFlagged.objects.exists(), "a draft that we posted was not used by somebody else"
    all_is_well()


def test_the_mark_follows_the_rate_of_use(vendor: Vendor) -> None:
    remote_series()
    refill()
    for _ in range(3):
        number()
    assert refill()["drafted"] == 5, "three in the last hour: six are wanted, and one is left"
    assert RemotePool.objects.get().wanted == 6
    for _ in range(6):
        number()
    refill()
    assert RemotePool.objects.get().wanted == 18
    assert len(free()) == 18


def test_a_low_pool_is_told(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    remote_series()
    refill()
    assert "is low" not in caplog.text
    for _ in range(4):
        number()
    refill()
    assert "The pool of invoice is low: 0 drafts are free in books, 8 are wanted" in caplog.text


@pytest.mark.parametrize("look", ["changes", "each"])
def test_a_draft_that_was_deleted_there(vendor: Vendor, look: str) -> None:
    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(2)))
    if look == "each":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ledger_remotepool SET full_look_at = now() - interval '25 hours'")
    done = refill(NOW if look == "changes" else timedelta(hours=1))
    assert done["withdrawn"] == 1
    gap = GapFlagged.objects.get()
    assert (gap.number, gap.metadata["said"]["state"]) == (vendor.number(2), "deleted")
    assert free() == vendor.numbers(1, 3, 4), "half of what is wanted is free"
    assert [number(), number()] == vendor.numbers(1, 3)
    all_is_well()


def test_a_draft_that_somebody_used_there(vendor: Vendor) -> None:
    remote_series()
    refill()
    documents = vendor.standin.documents
    posted, taken = vendor.key(vendor.number(1)), vendor.key(vendor.number(2))
    documents[posted].state = State.POSTED
    documents[taken].reference = "PO 4711"
    vendor.standin.touch(posted)
    vendor.standin.touch(taken)
    done = refill()
    assert (done["withdrawn"], done["drafted"]) == (2, 2)
    gaps = GapFlagged.objects.order_by("value")
    assert [gap.number for gap in gaps] == vendor.numbers(1, 2)
    assert [gap.metadata["said"]["problem"] for gap in gaps] == [
        "somebody posted it there",
        "somebody uses it there, under another reference",
    ]
    assert number() == vendor.number(3)
    all_is_well()


@pytest.mark.parametrize("id_field", ["key", ""])
def test_drafts_that_were_taken_over_are_looked_at_too(vendor: Vendor, id_field: str) -> None:
    """Somebody else made them, so they have no reference of ours; that alone is no reason to withdraw them."""
    remote_series()
    numbers = vendor.numbers(901, 902, 903)
    for each in numbers:
        vendor.standin.add(each, datetime.now(UTC).date(), reference="web shop", state=State.DRAFT)
        KeyedInvoiceID.objects.create(number=each, key=vendor.key(each))
    move_pool(Pool("shop.KeyedInvoiceID", id_field), "invoice", {})
    vendor.standin.delete(vendor.key(numbers[1]))
    for each in (numbers[0], numbers[2]):
        vendor.standin.touch(vendor.key(each))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_remotepool SET full_look_at = now() - interval '25 hours'")
    assert refill()["withdrawn"] == 1
    assert free()[:2] == [numbers[0], numbers[2]]
    assert number() == numbers[0]
    all_is_well()


def test_a_checkout_in_flight_keeps_the_draft_that_was_deleted(vendor: Vendor) -> None:
    from tests.concurrency.checkouts import checkouts

    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(1)))
    with checkouts(1) as (checkout,):
        checkout.begin()
        assert checkout.run(lambda: str(issue("invoice"))) == vendor.number(1)
        done = refill()
        assert (done["withdrawn"], done["in_flight"]) == (0, 1)
        checkout.rollback()
    assert refill()["withdrawn"] == 1
    assert number() == vendor.number(2)
    all_is_well()


def test_the_sweep_does_every_system(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "shared", http_options)
    assert sweeps.run(sweep_name("refill_remote_pools", "books")).counts == {"drafted": 0}
    remote_series()
    remote_series("other", system="nowhere", template="o/{year}/{counter}")
    assert systems_of("refill_remote_pools") == ["books", "nowhere"]
    with pytest.raises(errors.Misconfigured, match="no accounting system 'nowhere'"):
        sweeps.run(sweep_name("refill_remote_pools", "nowhere"))
    assert sweeps.run(sweep_name("refill_remote_pools", "books")).counts["drafted"] == 4
    assert free() == vendor.numbers(1, 2, 3, 4)
    runs = SweepRun.objects.order_by("pk")
    assert [bool(run.error) for run in runs] == [False, True, False]
