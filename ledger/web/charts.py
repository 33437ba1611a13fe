"""Issuance over time: columns as one SVG path, and the same figures as a table for who can't see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import ngettext

from ledger.words import lazily as _

#: Height of the picture, in its units; a column is one unit wide.
HEIGHT = 100
_MOST = 62
#: Days that one column may stand for.
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
    """``path`` draws the columns, of ``stretch`` days each; ``highest`` is what the top edge stands for.

    ``undated`` documents have a date that no calendar knows, and are in no column.
    """

    columns: tuple[Column, ...]
    path: str
    highest: int
    stretch: str
    total: int
    undated: int = 0

    @property
    def width(self) -> int:
        """Units of the picture from left to right."""
        return len(self.columns)


def issuance(days: Mapping[date, int]) -> Chart | None:
    """The chart of documents by business date; None without documents."""
    dated = {day.toordinal(): count for day, count in days.items() if count and isinstance(day, date)}
    undated = sum(days.values()) - sum(dated.values())
    if not dated:
        return None if not undated else Chart((), "", 0, "", 0, undated)
    first, last = min(dated), max(dated)
    span = last - first + 1
    length = -(-span // _MOST)
    years = ngettext("%(n)s year", "%(n)s years", length // 365) % {"n": length // 365}
    length, stretch = next((each for each in _STRETCHES if span <= each[0] * _MOST), (length, years))
    columns = [0] * (-(-span // length))
    for day, count in dated.items():
        columns[(day - first) // length] += count
    highest = max(columns)
    path = "".join(
        f"M{at + 0.1:g} {HEIGHT}v-{max(1.0, HEIGHT * count / highest):.1f}h.8V{HEIGHT}z"
        for at, count in enumerate(columns)
        if count
    )
    made = tuple(
        Column(
            date.fromordinal(first + at * length),
            # Not beyond the last day that there is.
            date.fromordinal(min(last, first + (at + 1) * length - 1)),
            count,
        )
        for at, count in enumerate(columns)
    )
    return Chart(made, path, highest, str(stretch), sum(columns), undated)
