"""Every allocation at the edge values of every setting, by one property: it gives the values of a plain counter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings, strategies as st

from ledger import define_series, errors as e, issue, issue_many, open_period, preview
from ledger.formats import MAX_VALUE
from ledger.models import Allocation, Entry, Period
from ledger.verification import verify
from tests.drafts import remote_series, stock

pytestmark = pytest.mark.django_db(transaction=True)

#: Both ends of the world, and the middle.
ZONES = ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"]
POOLS = (Allocation.POOLED, Allocation.REMOTE)
#: Where a counter or its column could break, beside where it begins and where its length limit ends it.
EDGES = [0, 1, 9, 2**31 - 2, 2**31, 2**32 - 1, 10**18 - 2, MAX_VALUE - 2, MAX_VALUE]

_codes = (f"edge{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}" for n in count())


class Case(NamedTuple):
    """One series. ``first`` is where its counter starts, and ``room`` how many digits its length limit leaves it."""

    allocation: str
    first: int
    width: int
    room: int
    zone: str
    give_back: bool
    chronological: bool
    by_hand: bool
    yearly: bool

    @property
    def highest(self) -> int:
        return min(int("9" * self.room), MAX_VALUE)


@st.composite
def cases(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case:
    allocation = draw(st.sampled_from(Allocation.values))
    width = draw(st.sampled_from([1, 2, 18]))
    room = draw(st.sampled_from([width, width + 1, 19, 40]))
    highest = min(int("9" * room), MAX_VALUE)
    first = draw(st.sampled_from(sorted({edge for edge in [*EDGES, highest - 2, highest] if 0 <= edge <= highest})))
    return Case(
        allocation,
        first,
        width,
        max(room, width),
        draw(st.sampled_from(ZONES)),
        allocation == Allocation.REMOTE or draw(st.booleans()),
        allocation not in POOLS and draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def edge_case(allocation: str, first: int, room: int = 40, **changed: Any) -> Case:
    return Case(allocation, first, 1, room, "UTC", True, False, False, False)._replace(**changed)


# What went wrong once: a pool that begins at 0, and counters that end where a bigint does.
@example(edge_case(Allocation.POOLED, 0))
@example(edge_case(Allocation.REMOTE, 0))
@example(edge_case(Allocation.POOLED, 0, give_back=False))
@example(edge_case(Allocation.SERIAL, MAX_VALUE))
@example(edge_case(Allocation.AT_COMMIT, MAX_VALUE - 2, chronological=True))
@example(edge_case(Allocation.RESERVED, MAX_VALUE - 2))
@example(edge_case(Allocation.POOLED, MAX_VALUE - 2))
@given(cases())
@settings(max_examples=45, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def _each(case: Case) -> None:
    _numbers_are_those_of_a_counter(case)


def test_every_allocation_counts_right_at_the_edges() -> None:
    _each()
    assert not [alarm for alarm in verify() if alarm.series]


def _numbers_are_those_of_a_counter(case: Case) -> None:
    code = next(_codes)
    prefix = f"{code}-{{year}}-" if case.yearly else f"{code}-"
    length = len(prefix.replace("{year}", "2026")) + case.room
    today = timezone.now().astimezone(ZoneInfo(case.zone)).date()
    chosen: dict[str, Any] = {
        "template": f"{prefix}{{counter:0{case.width}}}",
        "calendar": "year" if case.yearly else "never",
        "time_zone": case.zone,
        "max_length": length,
        "start_value": 1 if case.by_hand else case.first,
    }
    if case.allocation == Allocation.REMOTE:
        series = remote_series(code, **chosen)
    else:
        series = define_series(
            code, allocation=case.allocation, give_back=case.give_back, chronological=case.chronological, **chosen
        )
    if case.by_hand:
        open_period(series, first_value=case.first)
    values = range(case.first, min(case.first + 4, case.highest + 1))
    if case.allocation == Allocation.REMOTE:
        stock(series, [f"{code}/{value}" for value in values], day=today)
        numbers = [f"{code}/{value}" for value in values]
    else:
        text = prefix.format(year=today.year)
        numbers = [f"{text}{value:0{case.width}}" for value in values]

    expected = dict(zip(values, numbers, strict=True))
    with transaction.atomic():
        assert str(issue(code, document=f"{code}:lost")) == numbers[0]
        transaction.set_rollback(True)
    # A reserved value stays its document's, even if the checkout fails; all other values go back.
    left = [*values][1:] if case.allocation == Allocation.RESERVED else [*values]
    entries: list[Entry] = []
    if left:
        assert preview(code) == expected[left[0]]
        entries += take_many(code, f"{code}:0")
    if left[1:]:
        entries += take_many(code, *(f"{code}:{n}" for n in range(len(left))))[1:]
    assert [(entry.value, str(entry)) for entry in entries] == [(value, expected[value]) for value in left]
    assert {entry.issued_on for entry in entries} <= {today}
    for entry in entries:
        assert take(code, document=entry.document).pk == entry.pk, "a retry finds its number"

    counter = Period.objects.filter(series=series).values_list("last_value", flat=True)
    before = list(counter)
    if case.chronological and entries and not (case.yearly and (today.month, today.day) == (1, 1)):
        with pytest.raises(e.OutOfOrder):
            take(code, on=today - timedelta(days=1))
    if values[-1] == case.highest or case.allocation == Allocation.REMOTE:
        ended = e.PoolExhausted if case.allocation == Allocation.REMOTE else e.PeriodExhausted
        with pytest.raises(ended):
            take(code)
        with pytest.raises(ended):
            take_many(code, f"{code}:a", f"{code}:b")
        with pytest.raises(ended):
            preview(code)
    assert list(counter) == before, "what was refused changed nothing"


def take(code: str, **arguments: Any) -> Entry:
    with transaction.atomic():
        return issue(code, **arguments)


def take_many(code: str, *documents: str) -> list[Entry]:
    with transaction.atomic():
        return issue_many(code, documents=documents)
