"""Checkouts that wait for a payment provider inside their transaction, all for numbers of one series."""

from __future__ import annotations

from dataclasses import replace

from django.db import connection

from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import ALLOCATIONS, prepare, refill
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task
from tests.benchmarks.measuring.crowd import WARM_UP
from tests.benchmarks.measuring.sample import Sample

#: Seconds that the payment takes.
PAYMENT = 0.05

TITLES = {
    "pooled": "`pooled`",
    "at_commit": "`at_commit`",
    "reserved": "`reserved`",
    "serial": "`serial`",
    "lorikeet": "Lorikeet's recipe",
    "sequences": "django-sequences",
}


def by_32(effort: Effort) -> tuple[Contest, Steps]:
    """32 threads of one process."""
    return _question(
        "payment",
        "a payment of 50 ms, 32 checkouts in flight",
        Task("", threads=32, seconds=effort.payment_seconds, payment=PAYMENT),
        processes=1,
        rounds=effort.payment_rounds,
        targets={"pooled": 0.94, "at_commit": 0.94, "reserved": 0.92},
    )


def by_200(effort: Effort) -> tuple[Contest, Steps]:
    """200 threads of four processes."""
    return _question(
        "payment-200",
        "a payment of 50 ms, 200 checkouts in flight",
        Task("", threads=200, seconds=effort.crowd_seconds, payment=PAYMENT),
        processes=4,
        rounds=effort.crowd_rounds,
        targets={},
    )


def _question(
    name: str, title: str, task: Task, *, processes: int, rounds: int, targets: dict[str, float]
) -> tuple[Contest, Steps]:
    crew = Crew(processes)

    def side(contestant: str) -> Side:
        mine = replace(task, contestant=contestant)
        return Side(TITLES[contestant], lambda: _measure(crew, mine), targets.get(contestant))

    contest = Contest(
        name,
        title,
        "per s",
        [side(name) for name in TITLES if name in (*ALLOCATIONS, "lorikeet", "sequences")],
        task.threads / PAYMENT,
    )

    def steps() -> Steps:
        # Two connections for each thread of `pooled` and `reserved`, and a few for whoever watches.
        if (needed := 2 * task.threads + 20) > _max_connections():
            contest.not_run = f"the server's max_connections is below {needed}"
            return
        for allocation in ALLOCATIONS:
            prepare(allocation)
        with crew:
            yield from take_turns(contest, rounds)

    return contest, steps()


def _measure(crew: Crew, task: Task) -> Sample:
    if task.contestant == "lorikeet":
        refill(task.threads * (WARM_UP + round(task.seconds / PAYMENT) + 1))
    return crew.measure(task)


def _max_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int")
        allowed: int = cursor.fetchone()[0]
    return allowed
