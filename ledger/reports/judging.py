"""How the periods of a report stand: what the judge says of them, with what the report itself has counted."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from django.utils.translation import ngettext

from ledger.judging import Fact, Judgement, Kind, State, Verdict, judge
from ledger.localization import lazily as _, lazy_text, quantity
from ledger.reports.scope import Scope, ScopedPeriod

#: States that a report leaves out: how fast numbers are used up, and how the workers do.
_NOT_TOLD = frozenset({State.RUNNING_OUT, State.OVERDUE})


def judge_report(scope: Scope, series: str | None) -> Judgement:
    """The judge's facts about the tenant and the periods of the report, with what the report has counted."""
    judgement = judge(tenant=scope.tenant, series=series, sweeps=(), using=scope.snapshot.alias)
    places = {_place(scoped)[1:] for scoped in scope.periods}
    codes = {code for code, *_ in places}
    counted = [fact for scoped in scope.periods for fact in _counted(scoped)]

    def here(facts: Iterable[Fact]) -> tuple[Fact, ...]:
        return tuple(
            fact
            for fact in facts
            if fact.kind.state not in _NOT_TOLD
            and (fact.series is None or fact.series in codes)
            and (fact.starts_on is None or (fact.series, fact.starts_on, fact.ordinal) in places)
        )

    # Every value was counted just now.
    return replace(
        judgement,
        facts=here(judgement.including(counted).facts),
        acknowledged=here(judgement.acknowledged),
        looked_at=judgement.as_of,
    )


def with_states(scope: Scope, judgement: Judgement) -> Scope:
    """The scope with the judge's state of each of its periods."""
    judged = [(scoped, judgement.of(*_place(scoped)).state.value) for scoped in scope.periods]
    return replace(
        scope, periods=tuple(replace(scoped, row=replace(scoped.row, state=state)) for scoped, state in judged)
    )


def _place(scoped: ScopedPeriod) -> tuple[str, str, date, int]:
    return scoped.summary.tenant, scoped.summary.series, scoped.summary.starts_on, scoped.summary.ordinal


def _counted(scoped: ScopedPeriod) -> Iterator[Fact]:
    if scoped.row.lost:
        yield Fact(Kind.LOST, scoped.row.lost, *_place(scoped))
    if not scoped.row.adds_up or scoped.summary.duplicates:
        yield Fact(Kind.DISAGREES, 1, *_place(scoped))


def problems(periods: tuple[ScopedPeriod, ...], verdict: Verdict) -> tuple[str, ...]:
    """What is wrong, as sentences in each reader's own language: sums that don't agree, then what the judge says."""

    def tell() -> list[str]:
        counted = [problem for scoped in periods for problem in _sums(scoped)]
        return counted + [f"{one.text}." for one in verdict.sentences() if one.state is not State.LOST or not counted]

    return tuple(lazy_text(lambda at=at: tell()[at]) for at in range(len(tell())))


def _sums(scoped: ScopedPeriod) -> Iterator[str]:
    row, summary = scoped.row, scoped.summary
    where = f"{summary.series}, {summary.period}: "
    if not row.adds_up:
        known = {name: getattr(summary, name) for name in ("first", "last", "lowest", "highest")}
        known |= {"expected": quantity(summary.expected), "found": quantity(summary.expected_from_rows)}
        told = _(
            "the numbers do not add up. The counter expects %(expected)s from %(first)s to %(last)s; the rows span "
            "%(found)s from %(lowest)s to %(highest)s."
        )
        yield where + told % known
    elif row.lost:
        told = ngettext(
            "%(n)s value is lost or was tampered with; nothing is known of it.",
            "%(n)s values are lost or were tampered with; nothing is known of them.",
            row.lost,
        )
        yield where + told % {"n": quantity(row.lost)}
    if summary.duplicates:
        told = ngettext("%(n)s value comes twice.", "%(n)s values come twice.", summary.duplicates)
        yield where + told % {"n": quantity(summary.duplicates)}
