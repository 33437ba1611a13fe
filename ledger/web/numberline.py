"""The number line: a period's values as a picture of lanes, drawn here as SVG paths. No script, no style attribute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext

from ledger.models import Period
from ledger.web.counts import Bucket, PeriodCounts
from ledger.words import lazily as _
from ledger.words import quantity

#: Height of a lane, in units of its picture; a stretch is one unit wide.
HEIGHT = 20
#: One value among thousands must be seen.
_LEAST = 7
#: Parts of what is shown that one click leads into.
STEPS = 10


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the picture: ``path`` is what an SVG path draws, ``count`` how many values it shows."""

    name: str
    title: str
    meaning: str
    count: int
    path: str


@dataclass(frozen=True, slots=True)
class Step:
    """A part of what is shown: ``told`` is what stands in it, in words."""

    first: int
    last: int
    told: str


@dataclass(frozen=True, slots=True)
class NumberLine:
    """What is shown of a period: the values from ``first`` to ``last``, in ``width`` stretches."""

    first: int
    last: int
    first_number: str
    last_number: str
    width: int
    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    is_whole: bool

    @property
    def count(self) -> int:
        """How many values are shown."""
        return self.last - self.first + 1

    @property
    def wider(self) -> tuple[int, int]:
        """What one step out shows: ten times as much around the same middle."""
        middle, half = (self.first + self.last) // 2, self.count * STEPS // 2
        return max(0, middle - half), middle + half

    @property
    def before(self) -> tuple[int, int]:
        """As many values before."""
        return max(0, self.first - self.count), self.first - 1

    @property
    def after(self) -> tuple[int, int]:
        """As many values after."""
        return self.last + 1, self.last + self.count


_LANES: tuple[tuple[str, Any, Any, Callable[[Bucket], int]], ...] = (
    ("issued", _("Valid"), _("a document has the number"), lambda bucket: bucket.used - bucket.void),
    ("void", _("Void"), _("declared void, never given again"), lambda bucket: bucket.void),
    ("missing", _("Missing"), _("no document bears the value"), lambda bucket: bucket.missing),
    ("progress", _("In progress"), _("reserved, or free for the next checkout"), lambda bucket: bucket.in_progress),
    ("confirmed", _("Confirmed"), _("the accounting system has it too"), lambda bucket: bucket.confirmed),
)


def number_line(counts: PeriodCounts, first: int | None = None, last: int | None = None) -> NumberLine | None:
    """The picture of the values from ``first`` to ``last``, by default of all; None of a period without any."""
    period = counts.period
    lowest, highest = max(0, period.first_value), period.last_value
    if highest < lowest:
        return None
    low = lowest if first is None else min(max(first, lowest), highest)
    high = highest if last is None else max(min(last, highest), low)
    buckets = counts.buckets(low, high)
    low, high = buckets[0].first, buckets[-1].last
    return NumberLine(
        first=low,
        last=high,
        first_number=_number(period, low),
        last_number=_number(period, high),
        width=len(buckets),
        lanes=tuple(
            Lane(name, str(title), str(meaning), sum(map(count, buckets)), _path([(count(b), b.size) for b in buckets]))
            for name, title, meaning, count in _LANES
        ),
        steps=tuple(_steps(buckets)),
        is_whole=(low, high) == (lowest, highest),
    )


def _number(period: Period, value: int) -> str:
    return period.number_of(value)


def _path(stretches: Sequence[tuple[int, int]]) -> str:
    """Bars from the ground up, each as high as its share; neighbours of one height are one bar."""
    drawn: list[str] = []
    start = 0
    heights = [_height(count, size) for count, size in stretches]
    for at, height in enumerate(heights):
        if at + 1 < len(heights) and heights[at + 1] == height:
            continue
        if height:
            width = at + 1 - start
            drawn.append(f"M{start} {HEIGHT}v-{height:g}h{width}v{height:g}z")
        start = at + 1
    return "".join(drawn)


def _height(count: int, size: int) -> float:
    return 0 if not count else round(max(_LEAST, HEIGHT * min(1, count / size)), 1)


def _steps(buckets: Sequence[Bucket]) -> list[Step]:
    """Parts of whole stretches, so that what a part tells is what the picture shows."""
    count = min(STEPS, len(buckets))
    edges = [round(at * len(buckets) / count) for at in range(count + 1)]
    parts = [buckets[low:high] for low, high in pairwise(edges)]
    return [Step(part[0].first, part[-1].last, _told(part)) for part in parts]


def _told(part: Sequence[Bucket]) -> str:
    said = [(sum(map(count, part)), str(title).lower()) for _name, title, _meaning, count in _LANES]
    return ", ".join(f"{quantity(count)} {title}" for count, title in said if count) or gettext("nothing")
