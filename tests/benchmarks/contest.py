"""A contest: several ways to do one job on the same PostgreSQL, in turn; the median of the rounds' ratios counts.

The machine's speed drifts, and other work comes and goes. Contestants that take turns every second meet the same
weather, and a median forgets the rounds that a checkpoint or a neighbour spoilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.measuring.sample import Sample, percentile

#: Does the job for one round.
Measure = Callable[[], Sample]

#: Prepares and runs a contest; yields a line of progress now and then.
Steps = Iterator[str]


@dataclass(slots=True)
class Side:
    """One contestant, the ratio it must reach, and what was measured of it, round by round; more is better."""

    title: str
    measure: Measure
    target: float | None = None
    samples: list[Sample] = field(default_factory=list)
    #: What it is compared with, where that isn't the contest's yardstick.
    against: Side | None = None

    @property
    def rates(self) -> list[float]:
        """The figure of each round."""
        return [sample.rate for sample in self.samples]

    @property
    def rate(self) -> float:
        """The median of all rounds."""
        return median(self.rates)

    def latency(self, share: float) -> float | None:
        """Seconds in which that share of all calls was done, waiting included; None where calls weren't timed."""
        calls = [seconds for sample in self.samples for seconds in sample.calls]
        return percentile(calls, share) if calls else None

    def load(self, figure: Callable[[Sample], float | None]) -> float | None:
        """The median of something that was watched in each round, or None."""
        found = [value for value in map(figure, self.samples) if value is not None]
        return median(found) if found else None


@dataclass(slots=True)
class Contest:
    """A question, its contestants, and the yardstick: a contestant that the others are compared with, or a figure."""

    name: str
    title: str
    unit: str
    sides: list[Side]
    yardstick: Side | float
    #: Why it could not be run here.
    not_run: str = ""

    def ratios(self, side: Side) -> list[float]:
        """How ``side`` compares in each round: the two of a round met the same weather, two medians need not have."""
        yardstick = side.against or self.yardstick
        if isinstance(yardstick, Side):
            return [mine / its for mine, its in zip(side.rates, yardstick.rates, strict=True)]
        return [mine / yardstick for mine in side.rates]

    def ratio(self, side: Side) -> float:
        """The median of the rounds' ratios."""
        return median(self.ratios(side))

    def met(self, side: Side) -> bool:
        """Whether the side reached its target; one that could not run has not reached it."""
        return side.target is None or (not self.not_run and self.ratio(side) >= side.target)

    @property
    def missed(self) -> list[Side]:
        """The sides that missed their targets."""
        return [side for side in self.sides if not self.met(side)]


def duel(name: str, title: str, unit: str, target: float, yardstick: str, ours: Measure, theirs: Measure) -> Contest:
    """A contest of two, in which Folio must reach a share of what the other side does."""
    other = Side(yardstick, theirs)
    return Contest(name, title, unit, [Side("Folio", ours, target), other], other)


def take_turns(contest: Contest, rounds: int) -> Steps:
    """Measure all sides in turn; yields a line of progress after each round."""
    for at in range(1, rounds + 1):
        for side in contest.sides:
            side.samples.append(side.measure())
        found = ", ".join(f"{side.title} {contest.ratio(side):.2f}" for side in contest.sides if side.target)
        yield f"{contest.title}: round {at} of {rounds}: {found}"
