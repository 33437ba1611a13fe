"""Islands are cut where what is known of their values changes: compared with a model that looks at each value."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from ledger.reports.missing import Island, Item, Neighbour, Span, Tally, What, spans, tally
from ledger.reports.scope import opening

KNOWN = [what for what in What if what is not What.LOST]


@st.composite
def runs(draw: st.DrawFn) -> dict[int, What | None]:
    """What each value from 1 up is: None for a document."""
    kinds = draw(st.lists(st.sampled_from([None, None, *What]), min_size=1, max_size=40))
    return dict(enumerate(kinds, 1))


def neighbour(value: int | None) -> Neighbour | None:
    return None if value is None else Neighbour(value, f"N-{value}", date(2026, 1, 1))


def islands(run: dict[int, What | None]) -> list[Island]:
    documents = [0, *(value for value, what in run.items() if what is None), len(run) + 1]
    ends = {0: None, len(run) + 1: None}
    return [
        Island(before + 1, after - 1, neighbour(ends.get(before, before)), neighbour(ends.get(after, after)))
        for before, after in pairwise(documents)
        if after > before + 1
    ]


def pairs(run: dict[int, What | None]) -> list[tuple[Island, Item | None]]:
    found: list[tuple[Island, Item | None]] = []
    for island in islands(run):
        items = [
            Item(value, value, what)
            for value in range(island.first, island.last + 1)
            if (what := run[value]) not in (None, What.LOST)
        ]
        found += [(island, item) for item in items] or [(island, None)]
    return found


@given(runs())
def test_every_value_without_a_document_comes_once_and_as_what_it_is(run: dict[int, What | None]) -> None:
    told = {value: span.what for span in spans(pairs(run)) for value in range(span.first, span.last + 1)}
    assert told == {value: what for value, what in run.items() if what is not None}
    assert sum(span.count for span in spans(pairs(run))) == len(told)


@given(runs())
def test_the_tally_is_that_of_the_values(run: dict[int, What | None]) -> None:
    counted = tally(spans(pairs(run)))
    waiting = [value for value, what in run.items() if what is not None and what.is_in_progress]
    missing = [value for value, what in run.items() if what is not None and not what.is_in_progress]
    both = sorted(waiting + missing)
    assert counted == Tally(
        in_progress=len(waiting),
        missing=len(missing),
        ranges=len([value for value in missing if value - 1 not in missing]),
        lost=len([value for value, what in run.items() if what is What.LOST]),
        unexplained=len([value for value in missing if run[value] is not What.LOST]),
        first=both[0] if both else None,
        last=both[-1] if both else None,
    )


@given(
    st.lists(
        st.tuples(st.integers(-3, 30), st.integers(0, 8), st.sampled_from(KNOWN)).map(
            lambda drawn: Item(drawn[0], drawn[0] + drawn[1], drawn[2])
        ),
        min_size=1,
        max_size=12,
    ).map(lambda items: sorted(items, key=lambda item: item.first))
)
def test_items_that_overlap_or_reach_out_still_give_each_value_once(items: list[Item]) -> None:
    island = Island(1, 20, None, None)
    told = [value for span in spans((island, item) for item in items) for value in range(span.first, span.last + 1)]
    assert told == list(range(1, 21))


def test_a_span_bears_its_ends_inclusively_and_its_item() -> None:
    island = Island(5, 9, neighbour(4), neighbour(10))
    item = Item(6, 7, What.ADOPTED, explanation="spoilt")
    assert list(spans([(island, item)])) == [
        Span(5, 5, island, None),
        Span(6, 7, island, item),
        Span(8, 9, island, None),
    ]
    assert [span.count for span in spans([(island, item)])] == [1, 2, 2]


def test_an_island_is_dated_by_the_document_before_it_or_else_by_the_one_after() -> None:
    early, late = Neighbour(1, "N-1", date(2026, 1, 31)), Neighbour(9, "N-9", date(2026, 2, 1))
    assert Island(2, 8, early, late).dated == date(2026, 1, 31)
    assert Island(1, 8, None, late).dated == date(2026, 2, 1)
    assert Island(1, 8, None, None).dated is None


@pytest.mark.parametrize(
    ("first", "closed_with", "start_value", "told"),
    [
        (1, None, 1, "is the first period"),
        (1, 4711, 1, "starts anew"),
        (1, 0, 1, "starts anew"),
        (4712, 4711, 1, "goes on"),
        (5000, 4711, 1, "leaves out 288"),
        (4711, 4711, 1, "starts anew at 4,711"),
    ],
)
def test_the_opening_value_is_compared_with_the_closing_one(
    first: int, closed_with: int | None, start_value: int, told: str
) -> None:
    assert opening(first, closed_with, start_value) == told
