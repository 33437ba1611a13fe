"""Intervals of values, against sets of values."""

import itertools

from hypothesis import given, strategies as st

from ledger.intervals import Span, merged, pieces, without

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])))


def values(found: list[Span]) -> set[int]:
    return {value for first, last in found for value in range(first, last + 1)}


def size(found: list[Span]) -> int:
    return sum(last - first + 1 for first, last in found)


@given(spans)
def test_merged_has_the_same_values_in_as_few_intervals_as_possible(given_spans: list[Span]) -> None:
    found = list(merged(given_spans))
    assert values(found) == values(given_spans)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(found))
    assert size(found) == len(values(given_spans))


@given(spans, spans)
def test_without_takes_away_what_is_taken_and_nothing_else(given_spans: list[Span], taken: list[Span]) -> None:
    found = list(without(given_spans, taken))
    assert values(found) == values(given_spans) - values(taken)
    assert size(found) == len(values(found)), "no value comes twice"
    assert all(first <= last for first, last in found)


@given(spans, st.integers(1, 7))
def test_pieces_put_together_are_the_whole(given_spans: list[Span], longest: int) -> None:
    whole = list(merged(given_spans))
    cut = list(pieces(whole, longest))
    assert list(merged(cut)) == whole
    assert size(cut) == size(whole)
    assert all(last - first < longest for first, last in cut)
