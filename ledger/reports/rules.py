"""Each series with its rules by country: what was checked, in its settings and on its real numbers, and how it ended.

Folio checks rules and prints evidence; whether a numbering satisfies the law, it does not say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.db import router

from ledger.cursors import open_cursor
from ledger.databases import choose
from ledger.errors import InvalidArgument, InvalidSeries
from ledger.exhaustion import exhaustion_finding, rates, runs_out_on
from ledger.gaps import undeclared
from ledger.models import Period, RangeLapsed, Series
from ledger.ranges import Level, levels
from ledger.reports import rules_sql as sql
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.rules import Finding, GapPolicy, Outcome, Rules, all_rules, as_of
from ledger.rules.base import Authorisation, Gaps, Registration
from ledger.rules.checking import judged
from ledger.unreadable import day_or_none
from ledger.verification.alarms import COUNTRY_RULE, Watch
from ledger.verification.findings import Alarm
from ledger.words import in_english, later, marked, period_told, told_later
from ledger.zones import today_in


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One series: codes and names of its rules (empty where it has none), every finding, and what is not checked."""

    tenant: str
    series: str
    rules: str
    name: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        """How many findings ended so."""
        return sum(finding.outcome is outcome for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "tenant": self.tenant,
            "series": self.series,
            "rules": self.rules,
            "name": self.name,
            "findings": [finding.as_dict() for finding in self.findings],
            "unchecked": list(self.unchecked),
        }


def report(
    *,
    org: Any = None,
    tenant: str | None = None,
    series: Series | str | None = None,
    on: date | None = None,
    using: str | None = None,
) -> Iterator[SeriesReport]:
    """One report for each series, in the order of tenant and code.

    ``tenant`` is a key (``""`` is the one without a name), ``org`` what ``issue`` takes; with neither, all tenants.
    ``series`` is one or its code. ``on`` is the day by whose law it is judged, today by default. Reads every number of
    a series that has rules.
    """
    tenant, series, using = choose(org, tenant, series, using)
    alias = using or router.db_for_read(Series)
    chosen = Series.objects.using(alias).order_by("tenant", "code")
    if tenant is not None:
        chosen = chosen.filter(tenant=tenant)
    if series is not None:
        chosen = chosen.filter(code=series)
    for one in chosen.iterator():
        yield _report(one, alias, on)


def broken(one: SeriesReport) -> list[Finding]:
    """What breaks the rules of a country.

    Missing numbers that are to be explained or declared are told as such, not as a broken rule: that is work to do.
    """
    failed = (finding for finding in one.findings if finding.outcome is Outcome.FAILED)
    return [finding for finding in failed if finding.check != "gaps" or not _is_told_as_gaps(finding)]


def _is_told_as_gaps(finding: Finding) -> bool:
    known = all_rules().get(finding.rules)
    return known is not None and known.gaps is not None and known.gaps.policy is not GapPolicy.FORBIDDEN


def watch(
    *,
    tenant: str | None = None,
    series: Series | str | None = None,
    using: str | None = None,
    refused: Callable[[str], None] | None = None,
) -> Iterator[Alarm]:
    """The alarms of all reports: new ones are raised, what is mended is resolved. ``refused`` is as in ``Watch``."""
    tenant, series, using = choose(None, tenant, series, using)
    alias = using or router.db_for_write(Series)
    kept = Watch(alias, tenant=tenant, series=series, country_rules=True, refused=refused)
    for one in report(tenant=tenant, series=series, using=alias):
        for alarm in alarms(one):
            kept.see(alarm)
            yield alarm
    kept.finish()


def alarms(one: SeriesReport) -> Iterator[Alarm]:
    """An alarm for each broken rule; it names no counts, which would make another one of it each night."""
    for finding in broken(one):
        source = f" ({finding.source})" if finding.source else ""
        # An alarm stands in the ledger, which has one language.
        with in_english():
            problem = f"The rules {finding.rules or one.rules} are broken, {finding.check}: {finding.rule}{source}"
            remedy = f"{finding.remedy} manage.py ledger_rules tells more.".strip()
        yield Alarm(None, COUNTRY_RULE, problem, remedy, tenant=one.tenant, series=one.series, table="ledger_series")


def _report(series: Series, alias: str, on: date | None) -> SeriesReport:
    try:
        sets = series.rule_sets()
    except InvalidSeries as error:
        # Written by another version of Folio, or past it: nothing can be checked, which must not look like all is well.
        unknown = Finding("rules", Outcome.FAILED, error.problem, error.rule, remedy=error.remedy)
        return SeriesReport(series.tenant, series.code, series.rules, "", (unknown,), ())
    if not sets:
        return SeriesReport(series.tenant, series.code, "", "", (), ())
    day = on or today_in(series.time_zone, alias)
    try:
        findings = (*series.rule_findings(day), *_facts(series, sets, day, alias))
    except InvalidArgument as error:
        findings = (Finding("settings", Outcome.FAILED, error.problem, error.rule, remedy=error.remedy),)
    unchecked = tuple(dict.fromkeys(told for rules in sets for told in rules.unchecked))
    names = " and ".join(rules.name for rules in sets)
    return SeriesReport(series.tenant, series.code, series.rules, names, findings, unchecked)


def _facts(series: Series, sets: tuple[Rules, ...], day: date, alias: str) -> Iterator[Finding]:
    """What the rules say of the numbers that are there."""
    periods = list(summarise(tenant=series.tenant, series=series.code, using=alias))
    for rules in sets:
        yield from as_of(rules, _of_numbers(series, rules, periods, day, alias), day)
    yield from _open_periods(series, day, alias)


def _of_numbers(series: Series, rules: Rules, periods: list[PeriodSummary], day: date, alias: str) -> Iterator[Finding]:
    yield from _numbers(series, rules, alias)
    if rules.order is not None:
        count = sum(period.out_of_order for period in periods)
        yield judged(
            "order of numbers",
            later("%(n)s numbers are dated before the one that precedes them.", n=count),
            later("Dates never decrease within a series."),
            rules.order.source,
            broken=count > 0,
            remedy=later("See manage.py ledger_status, and switch the chronology guard on."),
        )
    if rules.gaps is not None:
        yield from _gaps(series, rules.gaps, periods, day, alias)
    if rules.registration is not None:
        yield _registrations(series, rules.registration, day, alias)
    if rules.authorisation is not None:
        yield from _authorisation(series, rules.authorisation, day, alias)


def _numbers(series: Series, rules: Rules, alias: str) -> Iterator[Finding]:
    counter = rules.counter
    wanted: dict[str, Any] = {
        "tenant": series.tenant,
        "series": series.pk,
        "max_length": rules.length.maximum if rules.length else None,
        "pattern": f"^(?:{rules.characters.pattern})$" if rules.characters else None,
        "lowest": counter.lowest if counter else None,
        "highest": counter.highest if counter else None,
    }
    with open_cursor(alias) as cursor:
        cursor.execute(sql.NUMBERS, wanted)
        count, longest, twice, too_long, longest_one, odd, odd_one, outside, outside_one = cursor.fetchone()
    if rules.length is not None:
        yield judged(
            "length of numbers",
            later(
                "%(odd)s of %(n)s numbers are too long, such as %(one)s.", odd=too_long, n=count, one=repr(longest_one)
            )
            if too_long
            else later("The longest of %(n)s numbers has %(most)s characters.", n=count, most=longest or 0),
            later("A number has at most %(n)s characters.", n=rules.length.maximum),
            rules.length.source,
            broken=too_long > 0,
            doubtful=rules.length.doubtful,
            remedy=later("They stay as they are; shorten the template for the next period."),
        )
    if rules.characters is not None:
        yield judged(
            "characters of numbers",
            later(
                "%(odd)s of %(n)s numbers don't match %(pattern)s, such as %(one)s.",
                odd=odd,
                n=count,
                pattern=rules.characters.pattern,
                one=repr(odd_one),
            )
            if odd
            else later("All of %(n)s numbers match %(pattern)s.", n=count, pattern=rules.characters.pattern),
            later("A number is made of %(parts)s.", parts=later(rules.characters.told)),
            rules.characters.source,
            broken=odd > 0,
            doubtful=rules.characters.doubtful,
            remedy=later("They stay as they are; change the template for the next period."),
        )
    if counter is not None:
        yield judged(
            "values of numbers",
            later(
                "%(odd)s of %(n)s numbers have other values, such as %(one)s.",
                odd=outside,
                n=count,
                one=repr(outside_one),
            )
            if outside
            else later("The values of all %(n)s numbers lie in that range.", n=count),
            later("Values lie between %(first)s and %(last)s.", first=counter.lowest, last=counter.highest),
            counter.source,
            broken=outside > 0,
            remedy=later("They stay as they are; issue from another series."),
        )
    if rules.unique is not None:
        yield judged(
            "uniqueness",
            later("%(twice)s of %(n)s numbers come twice, without regard to case.", twice=twice, n=count),
            later("A number identifies one document, without regard to case.")
            if rules.unique.any_case
            else later("A number identifies one document; Folio compares without regard to case."),
            rules.unique.source,
            broken=twice > 0,
            remedy=later("Run manage.py ledger_verify, which names them."),
        )


def _authorisation(series: Series, wanted: Authorisation, day: date, alias: str) -> Iterator[Finding]:
    """Whether an authority granted the numbers of that day, and knows what lapsed."""
    limits = {"tenant": series.tenant, "series": series.code}
    level = next(levels(alias, lambda _: day, **limits), None)
    current = None if level is None else level.current
    told = later("No range was ever added.") if level is None else told_later(lambda: _range_told(level))
    if is_strange := current is not None and current.authority != wanted.authority:
        told = later(
            "%(range)s: %(authority)s is not the authority that these rules name.",
            range=told_later(partial(str, current)),
            authority=current.authority,
        )
    yield judged(
        "authorisation",
        told,
        later(wanted.told),
        wanted.source,
        broken=current is None or is_strange,
        doubtful=wanted.doubtful or not Period.objects.using(alias).filter(series=series).exists(),
        remedy=later(
            "Add the range that %(authority)s granted: manage.py ledger_ranges add.", authority=wanted.authority
        ),
    )
    if wanted.declared:
        lapses = RangeLapsed.objects.using(alias).filter(tenant=series.tenant, authorised__series=series)
        known = [undeclared(one.authorised.period, wanted.authority, using=alias) for one in lapses]
        count = sum(gap.count for gaps in known for gap in gaps)
        yield judged(
            "lapsed",
            later(
                "%(ranges)s ranges lapsed before they were used up; %(n)s values of them are not declared.",
                ranges=len(known),
                n=count,
            ),
            later("What is not used of a range is declared to %(authority)s.", authority=wanted.authority),
            wanted.source,
            broken=count > 0,
            doubtful=wanted.doubtful,
            remedy=later(
                "Declare them: ledger.actions.declare(undeclared(period, %(authority)s), …).",
                authority=repr(wanted.authority),
            ),
        )


def _range_told(level: Level) -> str:
    told = f"{'; '.join(level.problems) or level.current}."
    return told[0].upper() + told[1:]


def _registrations(series: Series, wanted: Registration, day: date, alias: str) -> Finding:
    arguments: dict[str, Any] = {
        "tenant": series.tenant,
        "series": series.pk,
        "authority": wanted.authority,
        "since": wanted.source.since,
        "before": day - timedelta(days=wanted.days),
    }
    with open_cursor(alias) as cursor:
        cursor.execute(sql.REGISTRATIONS, arguments)
        count, unknown, one, oldest = cursor.fetchone()
    return judged(
        "registration",
        later(
            "%(odd)s of %(n)s numbers have no reference of %(authority)s, such as %(one)s.",
            odd=unknown,
            n=count,
            authority=wanted.authority,
            one=repr(one),
        )
        if unknown
        else later("All of %(n)s numbers have a reference of %(authority)s.", n=count, authority=wanted.authority),
        later(
            "%(authority)s knows each number %(days)s days after its date.",
            authority=wanted.authority,
            days=wanted.days,
        ),
        wanted.source,
        broken=unknown > 0,
        doubtful=wanted.doubtful,
        remedy=later("Send the documents, and note the references: manage.py ledger_references."),
        due=None if (first := day_or_none(oldest)) is None else first + timedelta(days=wanted.days),
    )


def _gaps(series: Series, gaps: Gaps, periods: list[PeriodSummary], today: date, alias: str) -> Iterator[Finding]:
    wanted: dict[str, Any] = {
        "tenant": series.tenant,
        "series": series.pk,
        "authority": gaps.authority,
        "overdue": gaps.overdue_before(today),
        "time_zone": series.time_zone,
    }
    with open_cursor(alias) as cursor:
        cursor.execute(sql.GAPS, wanted)
        *counts, broke_on = cursor.fetchone()
    missing, explained, declared, late = map(int, counts)
    told = later("%(n)s numbers are known to be missing.", n=missing)
    if gaps.policy is GapPolicy.FREE:
        yield Finding("gaps", Outcome.PASSED, told, later("Nothing is asked of gaps."), gaps.source)
        return
    if gaps.policy is GapPolicy.FORBIDDEN:
        yield judged(
            "gaps",
            told,
            later("No number may be missing."),
            gaps.source,
            broken=missing > 0,
            doubtful=gaps.doubtful,
            remedy=later("Explain them (manage.py ledger_gaps explain), and ask your adviser."),
        )
    elif gaps.policy is GapPolicy.EXPLAIN:
        yield judged(
            "gaps",
            later(
                "%(n)s numbers are known to be missing, %(rest)s of them without explanation.",
                n=missing,
                rest=missing - explained,
            ),
            later("A missing number is explained."),
            gaps.source,
            broken=explained < missing,
            doubtful=gaps.doubtful,
            remedy=later("Run manage.py ledger_gaps explain."),
        )
    else:
        rule = marked("A missing number is declared.")
        if gaps.due_day:
            rule = marked("A missing number is declared by day %(day)s after the month in which the sequence broke.")
            if gaps.quarterly:
                rule = marked(
                    "A missing number is declared by day %(day)s after the quarter in which the sequence broke."
                )
        told = marked("%(n)s numbers are known to be missing, %(rest)s of them not declared to %(authority)s.")
        if gaps.due_day:
            told = marked(
                "%(n)s numbers are known to be missing, %(rest)s of them not declared to %(authority)s, "
                "%(late)s overdue."
            )
        yield judged(
            "gaps",
            later(told, n=missing, rest=missing - declared, authority=gaps.authority, late=late),
            later(rule, day=gaps.due_day),
            gaps.source,
            broken=declared < missing,
            # In time yet, where there is a time.
            doubtful=gaps.doubtful or (gaps.due_day is not None and late == 0),
            remedy=later("Run manage.py ledger_declare."),
            due=None if (first := day_or_none(broke_on)) is None else gaps.due(first),
        )
    holes = sum(period.missing - period.adopted_missing for period in periods)
    waiting = sum(period.reserved for period in periods)
    yield judged(
        "holes",
        later("%(n)s values have no entry yet, and %(reserved)s are reserved.", n=holes, reserved=waiting),
        later("Each number is issued, or known to be missing."),
        gaps.source,
        broken=holes + waiting > 0,
        # They may heal, or their checkouts run still; which is for another command to tell.
        doubtful=True,
        remedy=later("Run manage.py ledger_gaps sweep."),
    )


def _open_periods(series: Series, today: date, alias: str) -> Iterator[Finding]:
    for period in Period.objects.using(alias).filter(series=series, ordinal=0, closed_at=None).order_by("starts_on"):
        highest = series.highest_value(period.as_format())
        if period.max_value > highest:
            yield Finding(
                "limit",
                Outcome.WARNED,
                later(
                    "The period %(period)s was opened before the rules were chosen, and its counter may go up to "
                    "%(n)s.",
                    period=told_later(partial(period_told, period.label)),
                    n=period.max_value,
                ),
                later(
                    "By the rules %(rules)s and the series' length limit it ends at %(n)s.",
                    rules=series.rules,
                    n=highest,
                ),
                remedy=later("Watch it, and let the next period come with a shorter template."),
            )
        if period.starts_on <= today <= period.ends_on and (told := _growth(period, today, highest, alias)):
            yield told


def _growth(period: Period, today: date, highest: int, alias: str) -> Finding | None:
    """A warning where the counter runs out before its period ends, at this year's rate."""
    rate = rates([period.pk], alias, today=today).get(period.pk)
    last = min(highest, period.max_value)
    day = runs_out_on(period, rate, last, today)
    if rate is None:
        return None
    pace = later("at %(n)s numbers since %(day)s", n=rate.used, day=rate.since)
    return exhaustion_finding(day, period, last, pace)
