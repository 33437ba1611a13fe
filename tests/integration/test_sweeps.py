"""The sweeps, run by hand: what each does, the row it leaves, and how healthy that looks."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from ledger import define_series, issue, open_period
from ledger.errors import UnknownSweep
from ledger.models import GapFlagged, HoleHealed, HoleReported, Pool, Series, Slot, SweepRun
from ledger.sweeps import Sweep, find_sweep, register, registered, registry, run
from ledger.sweeps.health import health
from tests.concurrency.checkouts import checkouts

pytestmark = pytest.mark.django_db(transaction=True)


def series(**settings: Any) -> Series:
    return define_series("invoice", **{"template": "INV-{year}-{counter:04}", "time_zone": "UTC", **settings})


def test_a_run_leaves_a_row() -> None:
    row = run("flag_gaps")
    assert (row.sweep, row.error) == ("flag_gaps", "")
    assert row.finished_at is not None
    assert row.finished_at >= row.started_at
    assert row.counts["flagged"] == 0
    assert SweepRun.objects.get() == row


def test_a_run_that_fails_says_so_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(alias: str) -> dict[str, int]:
        raise RuntimeError("no luck")

    monkeypatch.setattr(registry, "_sweeps", {"fail": Sweep("fail", "failing", fail)})
    with pytest.raises(RuntimeError):
        run("fail")
    row = SweepRun.objects.get()
    assert row.error == "RuntimeError: no luck"
    assert row.finished_at is not None
    assert [one.overdue for one in health()] == [True]


def test_an_unknown_sweep() -> None:
    with pytest.raises(UnknownSweep, match="flag_gaps"):
        run("flags")


def test_another_app_may_register_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_sweeps", dict(registry._sweeps))
    register(Sweep("count", "counting", lambda alias: {"counted": 3}))
    assert run("count").counts == {"counted": 3}
    assert find_sweep("count") in registered()


def test_gaps_are_flagged_after_the_grace() -> None:
    series(allocation="reserved")
    with transaction.atomic():
        issue("invoice")
        transaction.set_rollback(True)
    assert run("flag_gaps").counts["in_flight"] == 1
    assert not GapFlagged.objects.exists()


def test_a_hole_that_was_reported_and_filled_is_noted_once() -> None:
    series(allocation="pooled")
    with checkouts(2) as (slow, fast):
        slow.begin()
        slow.run(lambda: issue("invoice"))
        fast.begin()
        fast.run(lambda: issue("invoice"))
        fast.commit()
        slow.rollback()
    from ledger.gaps import sweep

    sweep(grace=timedelta(0))
    assert HoleReported.objects.get().value == 1
    assert run("heal").counts == {"healed": 0}
    with transaction.atomic():
        entry = issue("invoice", document="order:1")
    assert run("heal").counts == {"healed": 1}
    assert run("heal").counts == {"healed": 0}
    assert HoleHealed.objects.get().entry_id == entry.pk


class TestRefilling:
    def test_a_current_period_gets_its_first_slots_before_the_first_checkout(self) -> None:
        made = series(allocation="pooled")
        open_period(made)
        open_period(made, date(2020, 5, 5))
        assert run("refill_pools").counts == {"minted": 1, "held": 0}
        assert Slot.objects.count() == 16
        assert run("refill_pools").counts == {"minted": 0, "held": 0}

    def test_a_pool_that_runs_low_is_filled(self) -> None:
        series(allocation="pooled")
        with transaction.atomic():
            issue("invoice")
        Pool.objects.get()
        for _ in range(11):
            with transaction.atomic():
                issue("invoice")
        before = Slot.objects.count()
        run("refill_pools")
        assert Slot.objects.count() >= before


class TestCommand:
    def run(self, *arguments: str) -> tuple[int, Any]:
        out = StringIO()
        try:
            call_command("ledger_sweep", *arguments, "--json", stdout=out)
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue()) if out.getvalue() else str(error)
        return 0, json.loads(out.getvalue())

    def test_all_of_them_once(self) -> None:
        code, rows = self.run()
        assert code == 0
        assert [row["sweep"] for row in rows] == [sweep.name for sweep in registered()]
        assert SweepRun.objects.count() == len(rows)

    def test_those_that_are_named(self) -> None:
        code, rows = self.run("heal", "flag_gaps")
        assert (code, [row["sweep"] for row in rows]) == (0, ["heal", "flag_gaps"])
        assert self.run("flags")[0] == 2

    def test_one_that_fails_does_not_keep_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(alias: str) -> dict[str, int]:
            raise RuntimeError("no luck")

        sweeps = {"fail": Sweep("fail", "failing", fail), **registry._sweeps}
        monkeypatch.setattr(registry, "_sweeps", sweeps)
        code, rows = self.run()
        assert code == 1
        assert [row["sweep"] for row in rows if row["error"]] == ["fail"]
        assert len(rows) == len(sweeps)

    def test_the_status_tells_what_is_overdue(self) -> None:
        code, rows = self.run("--status")
        assert code == 1
        assert all(row["overdue"] for row in rows)
        self.run()
        code, rows = self.run("--status")
        assert code == 0
        assert not any(row["overdue"] for row in rows)

    def test_a_sweep_that_has_not_run_for_long_is_overdue(self) -> None:
        self.run()
        SweepRun.objects.filter(sweep="heal").update(finished_at="2020-01-01T00:00Z")
        assert [one.sweep for one in health() if one.overdue] == ["heal"]
        with override_settings(LEDGER={"SWEEPS": {"heal": {"every": 10**9}}}):
            assert not [one for one in health() if one.overdue]
