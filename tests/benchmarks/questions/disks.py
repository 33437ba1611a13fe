"""Strict order on a fast disk and on a slow one, with early release and without: each allocation against itself.

The database ``slow`` is on the same disk; each of its flushes takes 2 ms longer, as a usual cloud disk's does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.benchmarks.contest import Contest, Side, Steps, take_turns
from tests.benchmarks.contestants import EARLY, prepare
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crew import Crew, Task
from tests.benchmarks.questions.payment import PAYMENT

_DISKS = {"default": "fast disk", "slow": "slow disk"}


def no_payment(effort: Effort) -> tuple[Contest, Steps]:
    """16 checkouts at a time on the slow disk."""
    targets = {"serial": 3.5, "at_commit": 3.5, "reserved": 2.5}
    sides = [(name + early, "slow") for name in targets for early in ("", EARLY)]
    return _question(
        "slow-disk",
        "no payment, 16 checkouts at a time, on the slow disk",
        Task("", threads=16, seconds=effort.seconds),
        [*sides, ("pooled", "slow")],
        against={(name + EARLY, "slow"): ((name, "slow"), target) for name, target in targets.items()},
        rounds=effort.rounds,
    )


def against_fast(effort: Effort) -> tuple[Contest, Steps]:
    """What a slow disk takes away from early release: next to nothing."""
    names = [name + EARLY for name in ("serial", "at_commit")]
    return _question(
        "both-disks",
        "no payment, 16 checkouts at a time, with early release",
        Task("", threads=16, seconds=effort.seconds),
        [(name, disk) for name in names for disk in _DISKS] + [("serial", "default")],
        against={
            **{(name, "slow"): ((name, "default"), 0.95) for name in names},
            ("at_commit" + EARLY, "default"): (("serial", "default"), 1.0),
        },
        rounds=effort.rounds,
    )


def payment(effort: Effort) -> tuple[Contest, Steps]:
    """32 checkouts in flight, each with a payment, on the slow disk."""
    pooled = ("pooled", "slow")
    return _question(
        "slow-disk-payment",
        "a payment of 50 ms, 32 checkouts in flight, on the slow disk",
        Task("", threads=32, seconds=effort.payment_seconds, payment=PAYMENT),
        [pooled, *((name + early, "slow") for name in ("at_commit", "reserved") for early in ("", EARLY))],
        against={("at_commit" + EARLY, "slow"): (pooled, 0.95), ("reserved" + EARLY, "slow"): (pooled, 0.85)},
        rounds=effort.payment_rounds,
    )


def payment_200(effort: Effort) -> tuple[Contest, Steps]:
    """200 in flight by four processes, on the fast disk."""
    return _in_flight("early-200", PAYMENT, effort)


def long_payment_200(effort: Effort) -> tuple[Contest, Steps]:
    """The same with payments four times as long, which leave the cores some rest."""
    return _in_flight("early-200-long", 4 * PAYMENT, effort)


def _in_flight(name: str, seconds: float, effort: Effort) -> tuple[Contest, Steps]:
    pooled = ("pooled", "default")
    return _question(
        name,
        f"a payment of {seconds * 1000:.0f} ms, 200 checkouts in flight, with early release",
        Task("", threads=200, seconds=effort.crowd_seconds, payment=seconds),
        [pooled, *((name + EARLY, "default") for name in ("at_commit", "reserved"))],
        against={("at_commit" + EARLY, "default"): (pooled, 0.9), ("reserved" + EARLY, "default"): (pooled, 0.75)},
        rounds=effort.crowd_rounds,
        processes=4,
    )


def _question(
    name: str,
    title: str,
    task: Task,
    sides: Sequence[tuple[str, str]],
    *,
    against: Mapping[tuple[str, str], tuple[tuple[str, str], float]],
    rounds: int,
    processes: int = 1,
) -> tuple[Contest, Steps]:
    crew = Crew(processes)

    def side(contestant: str, alias: str) -> Side:
        mine = replace(task, contestant=contestant, alias=alias)
        told = f"`{contestant.removesuffix(EARLY)}`{', early release' if contestant.endswith(EARLY) else ''}"
        return Side(f"{told}, {_DISKS[alias]}", lambda: crew.measure(mine))

    made = {each: side(*each) for each in sides}
    for each, (other, target) in against.items():
        made[each].against, made[each].target = made[other], target
    contest = Contest(name, title, "per s", list(made.values()), next(iter(made.values())))

    def steps() -> Steps:
        for contestant, alias in sides:
            prepare(contestant, using=alias)
        with crew:
            yield from take_turns(contest, rounds)

    return contest, steps()
