"""Closing a period: what it refuses from then on, what it leaves behind, who did it, and the sweep that does it.

Checkouts that run meanwhile are in tests/concurrency: test_serial.py, test_every_allocation.py, test_remote.py.
"""

import getpass
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from ledger import close_period, define_series, issue, open_period, preview, void
from ledger.errors import PeriodClosed, PeriodError
from ledger.models import Entry, GapFlagged, Period, PeriodChanged, Series, Slot
from ledger.sweeps import run
from ledger.verification import verify
from tests.concurrency.checkouts import checkouts

pytestmark = pytest.mark.django_db(transaction=True)


def series(**settings: Any) -> Series:
    return define_series("invoice", **{"template": "INV-{year}-{counter:04}", "time_zone": "UTC", **settings})


def issued(**how: Any) -> Entry:
    with transaction.atomic():
        return issue("invoice", **how)


def test_a_closed_period_refuses() -> None:
    entry = issued(on=date(2025, 6, 1))
    close_period(entry.period)
    with transaction.atomic(), pytest.raises(PeriodClosed, match=r"2025-06-02.*2025-01-01 to 2025-12-31"):
        issue("invoice", on=date(2025, 6, 2))
    assert (Entry.objects.count(), Period.objects.get().last_value) == (1, 1)
    with pytest.raises(PeriodClosed):
        preview("invoice", on=date(2025, 6, 2))


def test_a_running_period_is_closed_only_early() -> None:
    entry = issued()
    with pytest.raises(PeriodError, match="still runs"):
        close_period(entry.period)
    assert close_period(entry.period, early=True).closed_at is not None


def test_its_numbers_are_still_voided() -> None:
    entry = issued(on=date(2025, 1, 1))
    close_period(entry.period)
    assert void(entry, reason="found in the audit").entry_id == entry.pk


def test_a_period_that_closes_flags_holes_and_takes_back_what_nobody_had() -> None:
    series(allocation="pooled")
    with checkouts(1) as (slow,):
        slow.begin()
        slow.run(lambda: issue("invoice", document="slow"))
        with transaction.atomic():
            issue("invoice", document="order:1")
        slow.rollback()
    period = close_period(Period.objects.get(), early=True, by="ada")
    assert period.last_value == 2
    assert not Slot.objects.exists()
    gap = GapFlagged.objects.get()
    assert (gap.value, gap.actor, gap.metadata) == (1, "ada", {"cause": "period closed"})
    assert list(verify()) == []
    with transaction.atomic(), pytest.raises(PeriodClosed):
        issue("invoice", document="order:2")


def test_an_unused_pool_closes_without_a_trace() -> None:
    series(allocation="pooled")
    with transaction.atomic():
        issue("invoice")
        transaction.set_rollback(True)
    period = close_period(Period.objects.get(), early=True)
    assert period.last_value == period.first_value - 1
    assert not Entry.objects.exists()


def test_a_closing_says_who() -> None:
    period = open_period(define_series("invoice", template="INV-{year}-{counter}"), date(2025, 1, 1))
    with transaction.atomic():
        issue("invoice", on=date(2025, 2, 2))
    assert not PeriodChanged.objects.exists(), "a counter that counts is no change of settings"
    close_period(period, by="ada")
    [event] = PeriodChanged.objects.all()
    assert (event.period_id, event.actor) == (period.pk, "ada")
    assert (event.old, list(event.new)) == ({"closed_at": None}, ["closed_at"])


@pytest.mark.parametrize("door", ["command", "admin"])
def test_gaps_that_a_closing_leaves_bear_a_name(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "os-user")
    series = define_series("invoice", template="I-{year}-{counter}", allocation="reserved", time_zone="UTC")
    period = open_period(series, date(2026, 3, 1))
    with transaction.atomic():
        str(issue(series, on=date(2026, 3, 1)))
        transaction.set_rollback(True)
    if door == "command":
        call_command("ledger_period", "close", "invoice", "--on", "2026-03-01", "--early")
    else:
        client = Client()
        client.force_login(User.objects.create_superuser("os-user"))
        data = {"action": "close_selected", "_selected_action": [period.pk], "confirmed": "1", "early": "on"}
        client.post(reverse("admin:ledger_period_changelist"), data)
    assert [gap.actor for gap in Entry.objects.filter(kind="gap")] == ["os-user"]
    assert [event.actor for event in PeriodChanged.objects.all()] == ["os-user"]


class TestTheSweep:
    def test_periods_close_when_their_grace_is_over(self) -> None:
        made = series(close_after_days=0)
        old = open_period(made, date(2020, 5, 5))
        by_hand = open_period(define_series("other", template="O-{year}-{counter}"), date(2020, 5, 5))
        with transaction.atomic():
            issue("invoice")
        assert run("close_periods").counts == {"closed": 1, "held": 0}
        old.refresh_from_db()
        by_hand.refresh_from_db()
        assert old.closed_at is not None
        assert by_hand.closed_at is None
        assert Period.objects.filter(closed_at=None).count() == 2
        assert run("close_periods").counts == {"closed": 0, "held": 0}

    def test_one_that_a_checkout_holds_stays_open_for_now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ledger.sweeps import work

        monkeypatch.setattr(work, "_PATIENCE", "20ms")
        series(close_after_days=0, allocation="pooled")
        with checkouts(1) as (slow,):
            slow.begin()
            slow.run(lambda: issue("invoice", on=date(2020, 5, 5)))
            assert run("close_periods").counts == {"closed": 0, "held": 1}
            slow.commit()
        assert run("close_periods").counts == {"closed": 1, "held": 0}
