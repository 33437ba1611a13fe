"""What stands in for a value that Python can't hold: it is shown, compared and reckoned with, and never raises."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from ledger.timestamps import MomentEncoder, timestamp
from ledger.unreadable import LEVELS, UNREADABLE, Beyond, UnreadableFacts, bounded, cut, facts, objects, value

LATE, EARLY = Beyond("infinity"), Beyond("-infinity")
days, moments = st.dates(), st.datetimes(timezones=st.just(UTC))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(days | moments)
def test_it_lies_beyond_every_date(at: Any) -> None:
    assert EARLY < at < LATE
    assert LATE > at > EARLY
    assert EARLY <= at <= LATE
    assert sorted([LATE, at, EARLY]) == [EARLY, at, LATE]
    assert (LATE - at, at - LATE, EARLY - at, at - EARLY) == (
        *(timedelta.max, timedelta.min),
        *(timedelta.min, timedelta.max),
    )
    assert at != LATE


def test_two_of_them() -> None:
    assert EARLY <= Beyond("0044-03-15 BC") < LATE
    assert Beyond("294276-12-31") > datetime.max
    assert timedelta(0) == LATE - LATE
    assert timedelta.max == LATE - EARLY
    assert Beyond("infinity") == LATE


def test_it_goes_where_a_moment_goes() -> None:
    late: Any = LATE
    assert timestamp(late) == "infinity"
    assert LATE.astimezone(ZoneInfo("Asia/Kolkata")).date().isoformat() == "infinity"
    assert LATE + timedelta(1) == timedelta(1) + LATE == LATE - timedelta(1) == LATE
    assert json.loads(json.dumps({"at": EARLY}, cls=MomentEncoder)) == {"at": "-infinity"}
    assert LATE.strftime("%Y") == f"{LATE}" == str(LATE) == "infinity"
    assert (LATE.timestamp(), EARLY.timestamp()) == (float("inf"), float("-inf"))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301  (our own)
def test_it_can_be_kept_in_a_cache(clone: Any) -> None:
    vague = Beyond("9999-12-28 or later", is_late=True, in_sql="infinity")
    assert (clone(vague), clone(vague).is_late, clone(vague).in_sql) == (vague, True, "infinity")
    read = facts("[1]")
    assert (clone(read), clone(read).text) == (read, "[1]")


def test_the_ends_of_pythons_years() -> None:
    assert bounded(datetime.min.replace(tzinfo=UTC), "0001-01-01") == "0001-01-01"
    assert bounded(datetime.max.replace(tzinfo=UTC), "9999-12-31") > date.max
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert bounded(at, "") is at


@given(st.dictionaries(st.text(), json_values))
def test_every_object_is_read_as_it_is(given_: dict[str, Any]) -> None:
    read = facts(json.dumps(given_))
    if not isinstance(read, UnreadableFacts):  # Hypothesis may nest deeper than is read
        assert read == given_


@given(json_values)
def test_any_value_can_be_written_again(given_: Any) -> None:
    read = facts(json.dumps(given_))
    assert json.loads(json.dumps(read), parse_constant=pytest.fail) == read
    assert isinstance(read, UnreadableFacts) or read == given_


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "a list where an object should be: [1]"),
        ("1", "a number where an object should be: 1"),
        ("null", "null where an object should be: null"),
        ("true", "a truth where an object should be: true"),
        ('"x"', 'a text where an object should be: "x"'),
        ("{", "no JSON that Python can read"),
        ('{"a": ' * 3000 + "1" + "}" * 3000, f"JSON of more than {LEVELS} levels, 21,001 characters"),
    ],
)
def test_anything_but_an_object_says_what_it_is(text: str, told: str) -> None:
    read = facts(text)
    assert isinstance(read, UnreadableFacts)
    assert read[UNREADABLE].startswith(told)
    assert read.text == text


def test_a_number_that_is_too_long_leaves_the_rest() -> None:
    read = facts('{"a": ' + "9" * 100_000 + ', "b": 1, "c": ' + "9" * 400 + ".5}")
    assert read == {"a": "unreadable: a number of 100,000 digits", "b": 1, "c": "unreadable: a number of 402 digits"}
    assert isinstance(read, UnreadableFacts)
    assert facts('{"a": ' + "9" * 400 + "}") == {"a": int("9" * 400)}


@pytest.mark.parametrize("levels", [LEVELS - 1, LEVELS, LEVELS + 1])
def test_the_levels(levels: int) -> None:
    text = '{"a": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"
    assert isinstance(value(text), UnreadableFacts) is (levels > LEVELS)


def test_what_should_be_a_list_of_objects() -> None:
    assert list(objects([{"a": 1}, 5])) == [{"a": 1}, {UNREADABLE: "no object: 5"}]
    assert list(objects(None)) == list(objects([])) == []
    assert list(objects("x")) == [{UNREADABLE: "no object: x"}]


def test_a_dataclass_that_holds_it() -> None:
    @dataclass
    class Holder:
        facts: dict[str, Any]

    assert asdict(Holder(facts("[1]")))["facts"] == {UNREADABLE: "a list where an object should be: [1]"}


def test_long_texts_are_cut() -> None:
    assert cut("short") == "short"
    assert cut("x" * 1000, 3) == "xxx… (1,000 characters)"
