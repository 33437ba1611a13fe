"""A contest: two ways to do one job on the same PostgreSQL, in turn; the median of the rounds' ratios counts.

The machine's speed drifts, and other work comes and goes. Contestants that take turns every second meet the same
weather, and a median forgets the rounds that a checkpoint or a neighbour spoilt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from django.db import connections

#: Calls that each connection makes before the clock starts: PL/pgSQL compiles, and settles on a plan after five.
WARM_UP = 20

_serial = count(1)


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: rounds for each contestant, seconds for each round, rows of the full ledger."""

    rounds: int
    seconds: float
    #: Numbers in one block of ``issue_many``, and how often.
    block: int
    block_rounds: int
    #: Entries in the full ledger.
    rows: int


@dataclass(slots=True)
class Result:
    """What one benchmark found: figures of ours and of the yardstick, round by round; more is better."""

    name: str
    title: str
    unit: str
    target: float
    yardstick: str
    our_figures: list[float] = field(default_factory=list)
    their_figures: list[float] = field(default_factory=list)
    not_run: str = ""

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: the two of a round met the same weather, two medians need not have."""
        return median(ours / theirs for ours, theirs in zip(self.our_figures, self.their_figures, strict=True))

    @property
    def met(self) -> bool:
        """Whether the target is reached; a benchmark that could not run has not reached it."""
        return not self.not_run and self.ratio >= self.target


Steps = Iterator[str]
Measure = Callable[[], float]


def take_turns(result: Result, ours: Measure, theirs: Measure, rounds: int) -> Steps:
    """Measure both in turn and fill in ``result``; yields a line of progress after each round."""
    for at in range(1, rounds + 1):
        result.our_figures.append(ours())
        result.their_figures.append(theirs())
        yield f"{result.title}: round {at} of {rounds}, {result.ratio:.2f}"


def throughput(job: Callable[[str], object], *, seconds: float, threads: int = 1, alias: str = "default") -> float:
    """Calls of ``job`` per second by so many threads, each with a connection of its own and a new key for each call."""
    start, done = threading.Barrier(threads), [0] * threads
    elapsed, failures = [0.0] * threads, []

    def work(at: int) -> None:
        prefix = f"order:{next(_serial)}-"
        try:
            for key in range(WARM_UP):
                job(f"{prefix}w{key}")
            start.wait()
            began = time.perf_counter()
            deadline = began + seconds
            made = 0
            while time.perf_counter() < deadline:
                job(f"{prefix}{made}")
                made += 1
            done[at], elapsed[at] = made, time.perf_counter() - began
        except BaseException as failure:
            failures.append(failure)
            start.abort()
            raise
        finally:
            connections[alias].close()

    if threads == 1:
        work(0)
    else:
        crew = [threading.Thread(target=work, args=(at,)) for at in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    if failures:
        raise failures[0]
    return sum(made / spent for made, spent in zip(done, elapsed, strict=True))
