"""Intervals of whole numbers, both ends inclusive: merged, taken away from each other, cut into pieces. Pure."""

from collections.abc import Iterable, Iterator

#: First and last value.
Span = tuple[int, int]


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The same values in as few intervals as possible, in order."""
    current: Span | None = None
    for first, last in sorted(spans):
        if current is None or first > current[1] + 1:
            if current is not None:
                yield current
            current = (first, last)
        else:
            current = (current[0], max(current[1], last))
    if current is not None:
        yield current


def without(spans: Iterable[Span], taken: Iterable[Span]) -> Iterator[Span]:
    """The values of ``spans`` that are not in ``taken``, merged."""
    holes = list(merged(taken))
    place = 0
    for first, last in merged(spans):
        start = first
        # Both run upwards, so each hole is looked at once, except one that covers several intervals.
        while place < len(holes) and holes[place][1] < first:
            place += 1
        look = place
        while look < len(holes) and holes[look][0] <= last:
            if holes[look][0] > start:
                yield start, holes[look][0] - 1
            start = max(start, holes[look][1] + 1)
            look += 1
        if start <= last:
            yield start, last


def pieces(spans: Iterable[Span], longest: int) -> Iterator[Span]:
    """The same values in intervals of at most ``longest`` values each."""
    for first, last in spans:
        for start in range(first, last + 1, longest):
            yield start, min(start + longest - 1, last)
