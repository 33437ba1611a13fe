"""Faults while a pool is filled: no draft is made twice, none is lost, and people learn of the fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from ledger import errors as e, issue, open_period, remote, sweeps
from ledger.models import DraftMade, GapFlagged, Period, RemotePool, Series, Slot, SweepRun
from tests.accounting.remote_pools import (
    Vendor,
    all_is_well,
    claims_run_out,
    free,
    http_options,
    killed_worker,
    number,
    refill,
    vendor as vendor,
)
from tests.accounting.standins.server import Fault
from tests.accounting.standins.xero import XeroStandIn
from tests.drafts import remote_series
from workers.accounting import errors, systems
from workers.system_sweeps import sweep_name

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_empty_pool_names_the_error_and_recovers(vendor: Vendor) -> None:
    series = remote_series()
    with pytest.raises(e.PoolExhausted, match="no worker has filled its pool yet"):
        number()
    vendor.standin.fail(*[Fault.ERROR_503] * 20)
    assert refill()["failed"] == 1
    with pytest.raises(e.PoolExhausted, match="last refilled never, and the last try, at .* failed: books: ") as told:
        number()
    assert "A person" not in str(told.value)
    assert "503" in RemotePool.objects.get().error
    vendor.standin.faults.clear()
    assert refill()["failed"] == 0
    assert number() == vendor.number(1)
    assert str(series) == "invoice"


def test_wrong_credentials_need_a_person(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "shared", http_options)
    remote_series()
    given = vendor.settings()
    given["SYSTEMS"]["books"]["credentials"] = dict.fromkeys(given["SYSTEMS"]["books"]["credentials"], "wrong-secret")
    with override_settings(LEDGER_ACCOUNTING=given):
        with pytest.raises(errors.AuthenticationFailed):
            sweeps.run(sweep_name("refill_remote_pools", "books"))
        with pytest.raises(e.PoolExhausted, match="A person must mend that"):
            number()
    assert SweepRun.objects.get().error.startswith("AuthenticationFailed")
    pool = RemotePool.objects.get()
    assert pool.needs_person
    assert "wrong-secret" not in pool.error
    assert refill()["drafted"] == 4
    pool.refresh_from_db()
    assert (pool.needs_person, pool.error) == (False, "")


def test_an_answer_that_is_lost_leaves_no_orphan(vendor: Vendor) -> None:
    remote_series()
    makes_by = "PUT" if vendor.name == "xero" else "POST"
    standin = vendor.standin
    standin.fail(Fault.LOST, method=makes_by)
    refill()
    refill()
    assert len(vendor.drafts()) == DraftMade.objects.count() == 4
    assert sorted(vendor.drafts()) == sorted(free())
    all_is_well()


def test_a_worker_killed_between_draft_and_storing_leaves_no_orphan(vendor: Vendor) -> None:
    remote_series()
    killed_worker(vendor)
    assert refill()["drafted"] == 0, "its claim holds for a while"
    claims_run_out()
    # Two of four are left, which is low.
    assert refill()["drafted"] == 2
    assert sorted(vendor.drafts()) == sorted(free()) == sorted(vendor.numbers(1, 2, 3, 4))
    all_is_well()


def test_two_workers_at_once_make_each_draft_once(vendor: Vendor) -> None:
    from tests.concurrency.checkouts import in_threads

    remote_series()
    done = in_threads(4, lambda _: refill())
    assert sum(each["drafted"] for each in done) == 4
    assert vendor.drafts() == free()
    all_is_well()


def test_a_number_that_the_system_gives_again_is_not_taken(vendor: Vendor) -> None:
    """ERPNext takes its counter back when the last draft is deleted; in Xero somebody may set the counter back."""
    remote_series()
    refill()
    vendor.standin.delete(vendor.key(vendor.number(4)))
    if isinstance(vendor.standin, XeroStandIn):
        vendor.standin.next_number = 4
    number()
    done = refill()
    assert (done["withdrawn"], done["refused"], done["drafted"]) == (1, 1, 2)
    assert free() == vendor.numbers(2, 3, 5, 6)
    refused = DraftMade.objects.get(value=None)
    assert refused.number == vendor.number(4)
    assert "stands in the ledger" in refused.refusal
    assert GapFlagged.objects.get().number == vendor.number(4)
    all_is_well()


def test_numbers_that_all_stand_in_the_ledger_stop_the_refill_for_an_hour(vendor: Vendor) -> None:
    remote_series()
    from ledger import define_series

    define_series("old", template=vendor.number(1)[:-4] + "{counter:04}", calendar="never")
    with transaction.atomic():
        for _ in range(12):
            issue("old")
    for _ in range(3):
        with pytest.raises(errors.NumberRefused, match="the last 5 drafts for 'invoice' could not be taken"):
            refill()
    assert vendor.drafts() == vendor.numbers(1, 2, 3, 4, 5)
    assert "A person must mend that" in _told()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_draftmade DISABLE TRIGGER ledger_append_only_rows")
        cursor.execute("UPDATE ledger_draftmade SET drafted_at = drafted_at - interval '61 minutes'")
        cursor.execute("ALTER TABLE ledger_draftmade ENABLE ALWAYS TRIGGER ledger_append_only_rows")
    with pytest.raises(errors.NumberRefused):
        refill()
    assert len(vendor.drafts()) == 10


def _told() -> str:
    with pytest.raises(e.PoolExhausted) as told:
        number()
    return str(told.value)


def test_a_run_whose_time_is_over_leaves_the_rest_to_the_next(vendor: Vendor) -> None:
    remote_series()
    with override_settings(LEDGER={"SWEEPS": {"refill_remote_pools": {"limit": 1e-9}}}):
        assert refill() == {"drafted": 0, "refused": 0, "withdrawn": 0, "in_flight": 0, "failed": 0}
    assert vendor.drafts() == []
    assert refill()["drafted"] == 4


def test_a_worker_whose_claim_ran_out_makes_no_draft(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was held up until another one had the pool; both would make the same draft."""
    series = remote_series()
    needs = remote.needs

    def held_up(*arguments: Any, **options: Any) -> Any:
        found = needs(*arguments, **options)
        claims_run_out()
        assert remote.claim(series) is not None
        return found

    monkeypatch.setattr(remote, "needs", held_up)
    assert refill()["drafted"] == 0
    assert vendor.drafts() == []


def test_numbers_that_are_too_long_make_one_draft_and_no_more(vendor: Vendor) -> None:
    series = remote_series(template="{year}/{counter}", max_length=8)
    for _ in range(3):
        with pytest.raises(errors.NumberRefused, match="characters"):
            refill()
    assert len(vendor.drafts()) == 1
    assert "max_length" in RemotePool.objects.get().error
    from ledger import define_series

    define_series(series.code, max_length=40)
    assert refill()["drafted"] == 4
    assert len(vendor.drafts()) == 4
    all_is_well()


def test_the_next_period_gets_some_before_it_begins(vendor: Vendor) -> None:
    """Its calendar is by day, so the next one begins tomorrow. (ERPNext would number tomorrow's drafts as of today.)"""
    series = remote_series(template="D{year}{month}{day}-{counter}", calendar="day")
    refill()
    today = Period.objects.get()
    tomorrow = open_period(series, today.ends_on + timedelta(days=1))
    far = open_period(series, today.ends_on + timedelta(days=9))
    refill()
    counts = {period.pk: Slot.objects.filter(period=period).count() for period in Period.objects.all()}
    if vendor.name == "erpnext":
        assert counts == {today.pk: 4, tomorrow.pk: 0, far.pk: 0}
        return
    assert counts == {today.pk: 4, tomorrow.pk: 1, far.pk: 0}
    [draft] = [each for each in vendor.standin.documents.values() if str(tomorrow.starts_on) in each.reference]
    assert draft.issued_on == tomorrow.starts_on


def test_one_series_that_is_refused_does_not_keep_the_others_from_theirs(vendor: Vendor) -> None:
    remote_series("a", calendar="explicit", template="a-{year}{month}{day}/{counter}")
    remote_series("invoice")
    with pytest.raises(e.NoPeriod):
        refill()
    assert Series.objects.get(code="invoice").periods.exists()
    assert free() == vendor.numbers(1, 2, 3, 4)
    errors_of = {pool.series.code: pool.error for pool in RemotePool.objects.select_related("series")}
    assert errors_of["invoice"] == ""
    assert "No period" in errors_of["a"]


def test_a_system_that_makes_no_drafts(vendor: Vendor) -> None:
    remote_series()
    given = vendor.settings()
    given["SYSTEMS"]["books"] |= {"adapter": "tryton", "organisation": "1", "credentials": {"key": "k"}, "options": {}}
    with override_settings(LEDGER_ACCOUNTING=given), pytest.raises(errors.Unsupported, match="it can.t keep drafts"):
        refill()
    with override_settings(LEDGER_ACCOUNTING={}), pytest.raises(errors.Misconfigured, match="no accounting system"):
        refill()
    bad = vendor.settings(drafts={"least": 0, "colour": "red"})
    with override_settings(LEDGER_ACCOUNTING=bad), pytest.raises(errors.Misconfigured, match="'colour'.*'least'"):
        refill()
