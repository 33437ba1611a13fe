"""Whether two formats can give the same number: the database never says no where they can."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from ledger.formats import MAX_VALUE
from tests.integration.planning import Connection, asked

pytestmark = pytest.mark.django_db  # so that there is a database of the tests

DOC = {"{doc_year}": 4, "{doc_month}": 2, "{doc_day}": 2}
ON = date(2112, 12, 21)

COLLIDE = "SELECT ledger_formats_collide(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


class Run(NamedTuple):
    """A format and the values that its counter may have."""

    prefix: str
    width: int
    suffix: str
    first: int
    highest: int

    def numbers(self, *dates: date | None) -> set[str]:
        """All its numbers in upper case, for documents of those dates; None for a gap."""
        return {
            (dated(self.prefix, on) + f"{value:0{self.width}}" + dated(self.suffix, on)).upper()
            for on in dates
            for value in range(self.first, self.highest + 1)
        }


def dated(text: str, on: date | None) -> str:
    shown = ("----", "--", "--") if on is None else (f"{on.year:04}", f"{on.month:02}", f"{on.day:02}")
    for token, digits in zip(DOC, shown, strict=True):
        text = text.replace(token, digits)
    return text


@st.composite
def runs_of_one_text(
    draw: st.DrawFn, *, digits: tuple[int, int] = (0, 4), reach: int = 40, dates: bool = False
) -> tuple[Run, Run]:
    """Two ways to tell a counter from the rest of one text, mostly; their values begin or end near the text's own."""
    signs = ["1", "2", "0", "a", "A", "-", "é", "É"]
    sign = st.sampled_from([*signs, "12", "21", "2112", "--", "----"] if dates else signs)
    text = "".join(draw(st.lists(sign | st.text("0123456789", min_size=digits[0], max_size=digits[1]), max_size=4)))
    text += draw(st.sampled_from("0123456789"))

    def affix(text: str) -> str:
        """The text; or with another sign in it, or with tokens in the place of a date's digits or of hyphens."""
        if text and draw(st.integers(0, 5)) == 0:
            at = draw(st.integers(0, len(text) - 1))
            text = text[:at] + draw(sign) + text[at + 1 :]
        for token in DOC if dates else ():
            found = [match.start() for match in re.finditer(f"(?={dated(token, ON)}|{dated(token, None)})", text)]
            with_token = draw(st.booleans())
            if found and with_token:
                at = draw(st.sampled_from(found))
                text = text[:at] + token + text[at + DOC[token] :]
        return text

    def run() -> Run:
        start = draw(st.sampled_from([match.start() for match in re.finditer("[0-9]", text)]))
        counter = re.match("[0-9]{1,18}", text[start:])
        assert counter is not None
        end = start + draw(st.integers(1, len(counter[0])) | st.just(len(counter[0])))
        value = min(int(text[start:end] + draw(st.sampled_from(["", "", "", "0", "9"]))), MAX_VALUE)
        # A zero in front of the counter belongs to its width.
        width = end - start if text[start] == "0" else draw(st.integers(1, end - start))
        first = min(max(0, value - draw(st.integers(-1, reach))), MAX_VALUE)
        highest = min(value + draw(st.integers(-1, reach)), MAX_VALUE)
        return Run(affix(text[:start]), width, affix(text[end:]), first, highest)

    return run(), run()


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        # The second counter must get ten digits.
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 10**9 - 1), False),
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 10**10 - 1), True),
        (Run("2", 9, "", 1, 10**9 - 1), Run("", 9, "", 1, 2 * 10**9), False),
        (Run("2", 9, "", 0, 10**9 - 1), Run("", 9, "", 1, 2 * 10**9), True),
        (Run("0", 2, "", 1, 99), Run("", 3, "", 1, 999), True),
        (Run("0", 2, "", 1, 99), Run("", 3, "", 100, 999), False),
        (Run("N-", 1, "", 1, 9), Run("n-1", 1, "", 0, 9), False),
        (Run("N-", 1, "", 1, 10), Run("n-1", 1, "", 0, 9), True),
        (Run("N-", 1, "", 1, 10), Run("n-1", 1, "", 1, 9), False),
        (Run("", 1, "5", 1, 40), Run("", 1, "", 406, 414), False),
        (Run("", 1, "5", 1, 41), Run("", 1, "", 406, 415), True),
        (Run("N-", 1, "-5", 1, 1), Run("N-1-", 1, "", 5, 5), True),
        (Run("N-", 1, "-5", 2, 9), Run("N-1-", 1, "", 5, 5), False),
        (Run("N-", 2, "-5", 1, 99), Run("N-1-", 1, "", 5, 5), False),
        (Run("", 1, "", 1, MAX_VALUE), Run("9", 1, "", 1, 223372036854775807), True),
        (Run("", 1, "", MAX_VALUE, MAX_VALUE), Run("9", 1, "", 1, 223372036854775806), False),
        (Run("", 1, "", MAX_VALUE, MAX_VALUE), Run("9", 1, "", 1, 223372036854775807), True),
        (Run("", 1, "", 5, 4), Run("", 1, "", 1, 9), False),  # no value at all
        (Run("INV-", 1, "", 1, 99), Run("inv-", 1, "", 1, 99), True),
        (Run("INV-", 1, "", 1, 99), Run("ORD-", 1, "", 1, 99), False),
        (Run("", 1, "-7", 1, 99), Run("", 1, "7", 1, 99), False),
        (Run("", 1, "17", 1, 99), Run("", 1, "7", 1, 999), True),  # 117
        (Run("N-", 1, "-5", 1, 99), Run("N-1-", 1, "5", 1, 99), False),  # N-1-5 leaves no digit to the second counter
        (Run("{doc_month}", 2, "", 1, 99), Run("", 4, "", 1, 9999), True),
        (Run("{doc_month}", 2, "", 1, 99), Run("", 4, "", 1205, 1206), True),
        (Run("{doc_month}", 2, "", 1, 99), Run("", 3, "", 1, 999), False),
        (Run("{doc_month}", 2, "", 1, 99), Run("--", 2, "", 99, 99), True),  # a gap
        (Run("{doc_month}", 2, "", 1, 98), Run("--", 2, "", 99, 99), False),
    ],
)
def test_formats_that_collide_within_their_values(planning: Connection, one: Run, other: Run, collide: bool) -> None:
    assert asked(planning, COLLIDE, *one, *other) == collide
    assert asked(planning, COLLIDE, *other, *one) == collide


@settings(max_examples=1500)
@given(runs_of_one_text() | runs_of_one_text(reach=400) | runs_of_one_text(digits=(15, 20)))
def test_formats_collide_if_and_only_if_two_values_give_the_same_number(
    planning: Connection, pair: tuple[Run, Run]
) -> None:
    one, other = pair
    assert asked(planning, COLLIDE, *one, *other) == (not one.numbers(None).isdisjoint(other.numbers(None)))


@settings(max_examples=1000)
@given(runs_of_one_text(dates=True))
def test_dated_formats_collide_where_two_values_give_one_number(planning: Connection, pair: tuple[Run, Run]) -> None:
    one, other = pair
    common = one.numbers(None, ON) & other.numbers(None, ON)
    assert asked(planning, COLLIDE, *one, *other) or not common
