"""A seed decides what goes wrong and what each worker does; the journals tell what was done, whatever was torn."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.storm import plan
from tests.storm.faults import OF_BROKER, OF_SEALS, PACE, Action, Point, Side, schedule
from tests.storm.journal import Journal, Kind, lines
from tests.storm.plan import ALLOCATIONS, Clock, Planner, all_series


def test_the_same_seed_gives_the_same_faults() -> None:
    assert schedule(1, 600, 7) == schedule(1, 600, 7)
    assert schedule(1, 600, 7) != schedule(2, 600, 7)


def test_every_fault_comes_at_every_point_to_everybody() -> None:
    faults = schedule(3, 3600, 7)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert {fault.slot for fault in faults if fault.action not in OF_BROKER} == set(range(7))
    for action, pace in PACE.items():
        mine = [fault for fault in faults if fault.action is action and fault.point is not Point.SEAL]
        assert len(mine) == pytest.approx(3600 / pace, rel=0.2)
        assert {fault.point for fault in mine} >= {Point.COMMIT, Point.STATEMENT}
    seals = [fault for fault in faults if fault.point is Point.SEAL]
    assert {fault.slot for fault in seals} == {4, 5, 6}, "those that seal"
    for action, pace in OF_SEALS.items():
        assert sum(fault.action is action for fault in seals) == pytest.approx(3600 / pace, rel=0.3)
    for action, pace in OF_BROKER.items():
        assert sum(fault.action is action for fault in faults) == pytest.approx(3600 / pace, rel=0.3)
    cuts = {fault.side for fault in faults if fault.action is Action.CUT and fault.point is Point.COMMIT}
    assert cuts == set(Side)


def test_the_same_seed_draws_the_same_checkouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.storm.plan.time.time", lambda: 1000.0)
    series = all_series(tuple(ALLOCATIONS))

    def drawn(seed: str) -> list[plan.Checkout]:
        planner = Planner(Random(seed), "w1.0", Clock(990.0, skew_days=1), series)
        return [planner.draw() for _ in range(500)]

    assert drawn("7/w1.0") == drawn("7/w1.0")
    assert drawn("7/w1.0") != drawn("7/w1.1")
    checkouts = drawn("7/w1.0")
    assert {checkout.isolation for checkout in checkouts} == set(plan.Isolation)
    assert {checkout.savepoint for checkout in checkouts} == set(plan.Savepoint)
    assert {item.series for checkout in checkouts for item in checkout.items} == {one.code for one in series}
    pairs = [tuple(item.series for item in checkout.items) for checkout in checkouts if len(checkout.items) == 2]
    assert any(pair[::-1] in pairs for pair in pairs), "nobody takes two series in opposite orders"


def test_a_torn_line_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w0.0.journal"
    journal = Journal(path)
    journal.note(Kind.ACKNOWLEDGED, tenant="t", series="s", document="d", number="N-1", attempt="3")
    journal.note(Kind.ERROR, number="two\nlines,\ta tab and a \\")
    with path.open("ab") as file:
        file.write(b"acknowledged\tt\ts\td\tN-")
    assert list(lines(tmp_path)) == [
        ("w0.0", "acknowledged", "t", "s", "d", "N-1", "3"),
        ("w0.0", "error", "", "", "", "two lines, a tab and a /", ""),
    ]
