"""The pictures of a period, as SVG paths without scripts and style attributes: the number line, with its values as
lanes, and issuance over time, as columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext, ngettext

from ledger.localization import lazily as _, quantity
from ledger.web.counts import Bucket, PeriodCounts

#: Height of a lane, in units of its picture; a stretch is one unit wide.
LINE_HEIGHT = 20
#: One value among thousands must be visible.
_LEAST = 7
#: A click zooms into one of this many parts.
STEPS = 10


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the picture: ``path`` is its SVG path, ``count`` how many values it shows."""

    name: str
    title: str
    meaning: str
    count: int
    path: str


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the picture; ``told`` is its content in words."""

    first: int
    last: int
    told: str


@dataclass(frozen=True, slots=True)
class NumberLine:
    """The picture of a period's values from ``first`` to ``last``, in ``width`` stretches."""

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
        return self.last - self.first + 1

    @property
    def wider(self) -> tuple[int, int]:
        """One zoom step out: ten times as many values around the same middle."""
        middle, half = (self.first + self.last) // 2, self.count * STEPS // 2
        return max(0, middle - half), middle + half

    @property
    def before(self) -> tuple[int, int]:
        return max(0, self.first - self.count), self.first - 1

    @property
    def after(self) -> tuple[int, int]:
        return self.last + 1, self.last + self.count


_LANES: tuple[tuple[str, Any, Any, Callable[[Bucket], int]], ...] = (
    ("issued", _("Valid"), _("a document has the number"), lambda bucket: bucket.used - bucket.void),
    ("void", _("Void"), _("declared void, never given again"), lambda bucket: bucket.void),
    ("missing", _("Missing"), _("no document has the value"), lambda bucket: bucket.missing),
    ("progress", _("In progress"), _("reserved, or free for the next checkout"), lambda bucket: bucket.in_progress),
    ("confirmed", _("Confirmed"), _("the accounting system has it too"), lambda bucket: bucket.confirmed),
)


def number_line(counts: PeriodCounts, first: int | None = None, last: int | None = None) -> NumberLine | None:
    """The picture of the values from ``first`` to ``last``, by default of all; None for a period without values."""
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
        first_number=period.number_of(low),
        last_number=period.number_of(high),
        width=len(buckets),
        lanes=tuple(
            Lane(name, str(title), str(meaning), sum(map(count, buckets)), _path([(count(b), b.size) for b in buckets]))
            for name, title, meaning, count in _LANES
        ),
        steps=tuple(_steps(buckets)),
        is_whole=(low, high) == (lowest, highest),
    )


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
            drawn.append(f"M{start} {LINE_HEIGHT}v-{height:g}h{width}v{height:g}z")
        start = at + 1
    return "".join(drawn)


def _height(count: int, size: int) -> float:
    return 0 if not count else round(max(_LEAST, LINE_HEIGHT * min(1, count / size)), 1)


def _steps(buckets: Sequence[Bucket]) -> list[Step]:
    """Parts of whole stretches, so that the words of a part agree with the picture."""
    count = min(STEPS, len(buckets))
    edges = [round(at * len(buckets) / count) for at in range(count + 1)]
    parts = [buckets[low:high] for low, high in pairwise(edges)]
    return [Step(part[0].first, part[-1].last, _told(part)) for part in parts]


def _told(part: Sequence[Bucket]) -> str:
    said = [(sum(map(count, part)), str(title).lower()) for _name, title, _meaning, count in _LANES]
    return ", ".join(f"{quantity(count)} {title}" for count, title in said if count) or gettext("nothing")


#: Height of the picture, in its units; a column is one unit wide.
CHART_HEIGHT = 100
_MOST_COLUMNS = 62
#: How many days a column can stand for.
_STRETCHES = (
    (1, _("one day")),
    (7, _("one week")),
    (28, _("four weeks")),
    (91, _("one quarter")),
    (364, _("one year")),
)


@dataclass(frozen=True, slots=True)
class Column:
    """The documents dated from ``first`` to ``last``, both inclusive."""

    first: date
    last: date
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """``path`` draws the columns, of ``stretch`` days each; the top edge stands for ``highest`` documents.

    ``undated`` documents have a date that no calendar knows, and no column.
    """

    columns: tuple[Column, ...]
    path: str
    highest: int
    stretch: str
    total: int
    undated: int = 0

    @property
    def width(self) -> int:
        return len(self.columns)


def issuance(days: Mapping[date, int]) -> Chart | None:
    """The chart of documents by business date; None without documents."""
    dated = {day.toordinal(): count for day, count in days.items() if count and isinstance(day, date)}
    undated = sum(days.values()) - sum(dated.values())
    if not dated:
        return None if not undated else Chart((), "", 0, "", 0, undated)
    first, last = min(dated), max(dated)
    span = last - first + 1
    length = -(-span // _MOST_COLUMNS)
    years = ngettext("%(n)s year", "%(n)s years", length // 365) % {"n": length // 365}
    length, stretch = next((each for each in _STRETCHES if span <= each[0] * _MOST_COLUMNS), (length, years))
    columns = [0] * (-(-span // length))
    for day, count in dated.items():
        columns[(day - first) // length] += count
    highest = max(columns)
    path = "".join(
        f"M{at + 0.1:g} {CHART_HEIGHT}v-{max(1.0, CHART_HEIGHT * count / highest):.1f}h.8V{CHART_HEIGHT}z"
        for at, count in enumerate(columns)
        if count
    )
    made = tuple(
        Column(
            date.fromordinal(first + at * length),
            # Not beyond the last day that Python has.
            date.fromordinal(min(last, first + (at + 1) * length - 1)),
            count,
        )
        for at, count in enumerate(columns)
    )
    return Chart(made, path, highest, str(stretch), sum(columns), undated)
