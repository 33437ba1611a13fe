"""Checks a series, or a period about to be opened, against a rule set: each rule passes, fails, or is in doubt."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from ledger.calendars import Calendar, CalendarKind, FiscalStart, Span
from ledger.errors import AgainstRules
from ledger.formats import NumberFormat
from ledger.localization import in_english, to_translate, translated
from ledger.rules.base import GapPolicy, Reset, Rules, Source

#: How many days of a period without an end are checked.
HORIZON = 366

# A year in which every calendar's periods can be tried.
_SOME_DAY = date(2025, 8, 15)


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, the rule, its source, and the remedy if one is needed."""

    check: str
    outcome: Outcome
    told: Any
    rule: Any
    source: Source | None = None
    remedy: Any = ""
    #: The code of the rule set that asks for it.
    rules: str = ""
    #: The last day to do it without being late; None if the rules name none, or there is nothing to do.
    due: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        told = {"told": str(self.told), "rule": str(self.rule), "remedy": str(self.remedy)}
        return asdict(self) | told | {"outcome": self.outcome.value, "source": self.source and self.source.as_dict()}

    def __str__(self) -> str:
        cited = f" [{self.source}]" if self.source else ""
        return f"{self.told} {self.rule}{cited} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a series that rules ask about. ``numbers`` is a period's format, ``highest`` its last value."""

    allocation: str
    give_back: bool
    chronological: bool
    calendar: Calendar
    first_value: int
    numbers: NumberFormat
    highest: int


def judged(
    check: str, wanted: Any, told: Any, rule: Any, *, broken: bool, remedy: Any, doubtful: bool = False, **more: Any
) -> Finding:
    """The finding of a check that ``wanted``, a part of the rules, asks for.

    It passed, or it is a failure, or a warning if the rule is doubtful; remedy and due day only if it didn't pass.
    """
    if not broken:
        return Finding(check, Outcome.PASSED, told, rule, wanted.source)
    outcome = Outcome.WARNED if doubtful or getattr(wanted, "doubtful", False) else Outcome.FAILED
    return Finding(check, outcome, told, rule, wanted.source, remedy, **more)


def as_of(rules: Rules, findings: Iterable[Finding], on: date) -> Iterator[Finding]:
    """The findings of a rule set by the law of a day: until a rule binds, it only warns."""
    for finding in findings:
        told = replace(finding, rules=rules.code)
        if finding.outcome is Outcome.FAILED and finding.source is not None and not finding.source.binds(on):
            rule = translated("%(rule)s It applies from %(day)s on.", rule=finding.rule, day=finding.source.since)
            told = replace(told, outcome=Outcome.WARNED, rule=rule)
        yield told


def check_settings(rules: Rules, plan: Plan) -> Iterator[Finding]:
    """Check the settings of a series."""
    yield from _check_allocation(rules, plan)
    if rules.order is not None:
        told = translated("The chronology guard is on." if plan.chronological else "The chronology guard is off.")
        rule = translated("Dates never decrease within a series.")
        remedy = translated("Switch it on: chronological=True (--chronological).")
        yield judged("order", rules.order, told, rule, broken=not plan.chronological, remedy=remedy)
    if rules.reset is not None:
        yield _check_calendar(rules.reset, plan.calendar)
    yield from _check_numbers(rules, plan.numbers, plan.first_value, plan.highest)


def check_period(rules: Rules, span: Span, numbers: NumberFormat, first_value: int, highest: int) -> Iterator[Finding]:
    """Check a period about to be opened, whose counter runs from ``first_value`` to ``highest``."""
    yield from _check_numbers(rules, numbers, first_value, highest)
    reset = rules.reset
    if reset is None or span == Span(date.min, date.max):
        return
    if reset.turns_on is not None:
        over, day = _reaches_over(span, reset.turns_on), str(reset.turns_on)
        told = to_translate("The period %(period)s does not cross %(day)s.")
        if over:
            told = to_translate("The period %(period)s crosses %(day)s.")
        told = translated(told, period=str(span), day=day)
        remedy = translated("Open periods that end the day before %(day)s.", day=day)
        yield judged("reset", reset, told, translated(reset.told), broken=over, doubtful=True, remedy=remedy)
    if reset.shortest > 1:
        told = translated("The period %(period)s has %(n)s days.", period=str(span), n=span.days)
        short = span.days < reset.shortest
        remedy = translated("See that it is a whole fiscal year, even if a short first one.")
        yield judged("reset", reset, told, translated(reset.told), broken=short, doubtful=True, remedy=remedy)


def outgrown_on(*, used: int, days: int, left: int, today: date, until: date) -> date | None:
    """The day on which a counter with ``left`` values runs out, at ``used`` values in so many ``days``.

    None if that is after ``until``, or, without an end, after a year.
    """
    if used <= 0 or days <= 0:
        return None
    last = min(until, today + timedelta(days=HORIZON)) if until != date.max else today + timedelta(days=HORIZON)
    lasts = max(left, 0) * days // used
    return today + timedelta(days=lasts) if lasts <= (last - today).days else None


def refuse_broken(findings: Iterable[Finding]) -> None:
    """Raise AgainstRules for the first rule that is broken."""
    for finding in findings:
        if finding.outcome is Outcome.FAILED:
            with in_english():
                raise AgainstRules(
                    str(finding.told),
                    rule=f"{finding.rule} So the rules {finding.rules} have it: {finding.source}.",
                    remedy=f"{finding.remedy} Or leave {finding.rules} out of the rules of the series.",
                )


def _check_allocation(rules: Rules, plan: Plan) -> Iterator[Finding]:
    gaps, allocation = rules.gaps, plan.allocation
    policy = None if gaps is None else gaps.policy
    # Of each allocation: what becomes of a number whose checkout rolled back.
    burns = allocation == "reserved" or (allocation == "pooled" and not plan.give_back)
    if gaps is not None and policy is GapPolicy.FORBIDDEN:
        # A burnt number is a gap for ever. A number that was given back is a gap only if its period closes before the
        # next checkout takes it. An allocation that Folio does not know may do either.
        surely = allocation in ("serial", "at_commit")
        told = to_translate("With the allocation %(allocation)s, a checkout that rolls back may leave a gap.")
        if surely:
            told = to_translate("With the allocation %(allocation)s, a checkout that rolls back leaves no gap.")
        elif burns:
            told = to_translate("With the allocation %(allocation)s, a checkout that rolls back leaves a gap.")
        rule = translated("No number may be missing.")
        remedy = translated("Choose the allocation at_commit, or serial.")
        told = translated(told, allocation=allocation)
        yield judged("allocation", gaps, told, rule, broken=not surely, doubtful=not burns, remedy=remedy)
    elif gaps is not None and policy is GapPolicy.DECLARE:
        told = to_translate(
            "With the allocation %(allocation)s, a checkout that rolls back leaves no number to declare at once."
        )
        if burns:
            told = to_translate(
                "With the allocation %(allocation)s, a checkout that rolls back leaves a number to declare."
            )
        told = translated(told, allocation=allocation)
        rule = translated("A missing number is declared to the authority.")
        remedy = translated("Choose at_commit or pooled, or be ready to declare.")
        yield judged("allocation", gaps, told, rule, broken=burns, doubtful=True, remedy=remedy)
    if rules.order is not None:
        # Checkouts in flight hold values of the pool side by side, and commit in any order; around midnight even the
        # dates may decrease. Reserved numbers follow the order of the calls of issue(), and the guard keeps the dates.
        in_order = allocation in ("serial", "at_commit", "reserved")
        told = to_translate("With the allocation %(allocation)s, running checkouts may overtake each other.")
        if in_order:
            told = to_translate("With the allocation %(allocation)s, running checkouts keep their order.")
        told, rule = translated(told, allocation=allocation), translated("Numbers follow the order of dates.")
        remedy = translated("Choose the allocation at_commit, or serial.")
        yield judged("allocation", rules.order, told, rule, broken=not in_order, remedy=remedy)


def _check_calendar(reset: Reset, calendar: Calendar) -> Finding:
    kind = calendar.kind
    sample = calendar.span(_SOME_DAY)
    over = False
    if reset.turns_on is not None and sample is not None and kind is not CalendarKind.NEVER:
        over = _ever_reaches_over(calendar, sample, reset.turns_on)
    refused = kind in reset.refused
    if CalendarKind.FISCAL_YEAR in reset.refused:
        remedy = translated("Choose the calendar never.")
    elif reset.turns_on is not None:
        remedy = translated("Choose the calendar fiscal-year with the fiscal start %(day)s.", day=str(reset.turns_on))
    else:
        remedy = translated("Choose the calendar fiscal-year.")
    told = translated("The calendar is %(kind)s.", kind=kind.value)
    if kind is CalendarKind.FISCAL_YEAR:
        told = translated("The calendar is %(kind)s from %(day)s.", kind=kind.value, day=str(calendar.fiscal_start))
    broken = refused or over or kind in reset.doubted
    return judged("reset", reset, told, translated(reset.told), broken=broken, doubtful=not refused, remedy=remedy)


def _check_numbers(rules: Rules, numbers: NumberFormat, first_value: int, highest: int) -> Iterator[Finding]:
    # With some document's date, if the numbers have one. If not even the first value fits, that is shown.
    first = numbers.number(first_value, _SOME_DAY)
    last = numbers.number(max(first_value, highest), _SOME_DAY)
    if rules.length is not None:
        length = rules.length
        long = len(first) > length.maximum
        told = to_translate("The number %(number)s has %(n)s characters; the last one that fits is %(last)s.")
        if long:
            told = to_translate("The number %(number)s has %(n)s characters.")
        told = translated(told, number=repr(first), n=len(first), last=repr(last))
        rule = translated("A number has at most %(n)s characters.", n=length.maximum)
        remedy = translated("Choose a shorter template, such as one with {year:2}, or fewer digits.")
        yield judged("length", length, told, rule, broken=long, remedy=remedy)
    if rules.characters is not None:
        form = rules.characters
        bad = next((number for number in (first, last) if not form.fit(number)), None)
        told = to_translate("The number %(number)s matches %(pattern)s.")
        if bad:
            told = to_translate("The number %(number)s does not match %(pattern)s.")
        told = translated(told, number=repr(bad or first), pattern=form.pattern)
        rule = translated("A number is made of %(parts)s.", parts=translated(form.told))
        remedy = translated("Change the template.")
        yield judged("characters", form, told, rule, broken=bad is not None, remedy=remedy)
    if rules.counter is not None:
        counter = rules.counter
        rule = translated("Values lie between %(first)s and %(last)s.", first=counter.lowest, last=counter.highest)
        told = translated("The counter starts at %(n)s.", n=first_value)
        remedy = translated("Start at %(n)s.", n=counter.lowest)
        outside = not counter.lowest <= first_value <= counter.highest
        yield judged("counter", counter, told, rule, broken=outside, remedy=remedy)


def _ever_reaches_over(calendar: Calendar, sample: Span, day: FiscalStart) -> bool:
    """Whether any period of a year reaches over the day."""
    span: Span | None = sample
    through = sample.starts_on + timedelta(days=HORIZON)
    while span is not None and span.starts_on <= through:
        if _reaches_over(span, day):
            return True
        span = calendar.following(span)
    return False


def _reaches_over(span: Span, day: FiscalStart) -> bool:
    """Whether the span has that day of a year, and the day before too."""
    turns = (date(year, day.month, day.day) for year in range(span.starts_on.year, span.ends_on.year + 1))
    return any(span.starts_on < turn <= span.ends_on for turn in turns)
