"""Allocations against each other where no checkout waits for anybody: how fast numbers can be given out at all."""

from __future__ import annotations

from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import ALLOCATIONS, prepare
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task

_THREADS = 16
_TARGETS = {"pooled": 1.8, "at_commit": 1.0}


def question(effort: Effort) -> tuple[Contest, Steps]:
    """16 checkouts at a time, for numbers of one series."""
    crew = Crew(1)

    def side(allocation: str) -> Side:
        task = Task(allocation, _THREADS, effort.seconds)
        return Side(f"`{allocation}`", lambda: crew.measure(task), _TARGETS.get(allocation))

    sides = {allocation: side(allocation) for allocation in ALLOCATIONS}
    contest = Contest(
        "no-payment", f"no payment, {_THREADS} checkouts at a time", "per s", list(sides.values()), sides["serial"]
    )

    def steps() -> Steps:
        for allocation in ALLOCATIONS:
            prepare(allocation)
        with crew:
            yield from take_turns(contest, effort.rounds)

    return contest, steps()
