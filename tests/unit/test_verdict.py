"""The verdict follows from the facts alone: the worst one decides, and nothing is in order while something is open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from ledger.judging import Fact, Judgement, Kind, State, decide
from ledger.judging.judgement import merged

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

facts = st.builds(
    Fact,
    kind=st.sampled_from(Kind),
    count=st.integers(1, 1000),
    tenant=st.sampled_from(["", "berlin", "mumbai"]),
    series=st.sampled_from([None, "invoice", "order"]),
    starts_on=st.none(),
    since=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
) | st.builds(Fact, kind=st.just(Kind.SWEEP), count=st.just(1), detail=st.sampled_from(["verify", "heal"]))


def test_the_words_stand_from_the_worst_to_the_best() -> None:
    assert [state.value for state in State] == [
        *("lost or tampered", "rules broken", "differs from the books", "unexplained", "undeclared", "running out"),
        *("overdue", "in order"),
    ]
    assert [state.exit_code for state in State] == [2, 1, 1, 1, 1, 1, 1, 0]
    assert {state for state in State if state.badge == "good"} == {State.IN_ORDER}
    assert {kind.state for kind in Kind} == set(State) - {State.IN_ORDER}


@given(st.lists(facts))
def test_the_worst_fact_decides(found: list[Fact]) -> None:
    verdict = decide(found, as_of=NOW, looked_at=None)
    assert verdict.is_in_order == (not found)
    assert all(verdict.state.rank <= fact.kind.state.rank for fact in found)
    assert verdict.state is State.IN_ORDER or any(fact.kind.state is verdict.state for fact in found)
    assert sum(verdict.count(state) for state in State) == sum(fact.count for fact in found)


@given(st.lists(facts), st.sampled_from(["", "berlin", "mumbai"]), st.sampled_from(["invoice", "order"]))
def test_a_part_is_never_worse_than_the_whole(found: list[Fact], tenant: str, series: str) -> None:
    judgement = Judgement(merged(found), NOW, None)
    verdicts = [judgement.verdict, judgement.of(tenant), judgement.of(tenant, series)]
    ranks = [verdict.state.rank for verdict in verdicts]
    assert ranks == sorted(ranks)
    everywhere = [fact for fact in found if fact.tenant is None]
    assert all(rank <= fact.kind.state.rank for fact in everywhere for rank in ranks)


@given(st.lists(facts))
def test_what_two_looks_have_found_counts_once(found: list[Fact]) -> None:
    once = merged(found)
    assert merged([*found, *once]) == once
    assert {fact.kind for fact in once} == {fact.kind for fact in found}
    for fact in once:
        same = [one for one in found if (one.kind, one.place, one.detail) == (fact.kind, fact.place, fact.detail)]
        assert fact.count == max(one.count for one in same)
        assert fact.since == min((one.since for one in same if one.since is not None), default=None)


def test_a_verdict_in_words() -> None:
    year = date(2026, 1, 1)
    found = [
        Fact(Kind.SWEEP, 1, detail="verify"),
        *(Fact(Kind.UNEXPLAINED, n, "berlin", f"series-{n}", year, 0, NOW - timedelta(days=n)) for n in range(1, 6)),
        Fact(Kind.DIFFERENCE, 1, ""),
    ]
    verdict = decide(found, as_of=NOW, looked_at=NOW)
    assert str(verdict) == (
        "differs from the books: 1 difference from the books is unresolved (the tenant without a name); "
        "15 missing values are not explained (berlin/series-1 from 2026-01-01, berlin/series-2 from 2026-01-01, "
        "berlin/series-3 from 2026-01-01 and 2 more); 1 sweep is overdue (verify)"
    )
    assert [one.since for one in verdict.sentences()] == [None, NOW - timedelta(days=5), None]
    assert str(decide([], as_of=NOW, looked_at=None)) == "in order"


@pytest.mark.parametrize(("looked_at", "looks_now"), [(NOW, True), (NOW - timedelta(seconds=1), False), (None, False)])
def test_whether_every_value_was_looked_at(looked_at: datetime | None, looks_now: bool) -> None:
    assert decide([], as_of=NOW, looked_at=looked_at).looks_now is looks_now


def test_a_period_for_ever() -> None:
    assert Fact(Kind.LOST, 1, "", "ticket", date.min).place == "ticket for ever"
