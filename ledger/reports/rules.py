"""Checks each series against the rules of its countries: its settings, and the numbers that it has given out.

Folio checks rules and prints evidence. It does not say whether a numbering satisfies the law.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.db import router

from ledger.cursors import fetch
from ledger.databases import query_scope
from ledger.errors import InvalidArgument, InvalidSeries
from ledger.exhaustion import exhaustion_finding, rates, runs_out_on
from ledger.gaps import undeclared
from ledger.gaps.sql import known_gaps
from ledger.localization import in_english, lazy_text, period_told, to_translate, translated
from ledger.models import Period, RangeLapsed, Series
from ledger.ranges import Level, levels
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.rules import Finding, GapPolicy, Outcome, Rules, all_rules, as_of
from ledger.rules.base import Authorisation, Gaps, Registration
from ledger.rules.checking import judged
from ledger.series import series_of
from ledger.unreadable import day_or_none
from ledger.verification.alarms import COUNTRY_RULE, Watch
from ledger.verification.findings import Alarm
from ledger.zones import today_in

# What the rules ask of the numbers themselves, in one walk. Arguments: tenant, series (id); max_length, pattern, lowest
# and highest, each null if the rules don't ask for it.
_NUMBERS = """
    SELECT count(*) AS n, max(length(e.number)) AS longest, count(*) - count(DISTINCT upper(e.number)) AS twice,
           count(*) FILTER (WHERE length(e.number) > %(max_length)s::int) AS too_long,
           min(e.number) FILTER (WHERE length(e.number) > %(max_length)s::int) AS long_one,
           count(*) FILTER (WHERE e.number !~ %(pattern)s::text) AS odd,
           min(e.number) FILTER (WHERE e.number !~ %(pattern)s::text) AS odd_one,
           count(*) FILTER (WHERE e.value NOT BETWEEN %(lowest)s::bigint AND %(highest)s::bigint) AS outside,
           min(e.number) FILTER (WHERE e.value NOT BETWEEN %(lowest)s::bigint AND %(highest)s::bigint) AS outside_one
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s AND e.kind <> 'gap'
"""

# Numbers that an authority should know by now, without void ones: how many there are, how many of them the authority
# doesn't know, one of those, and the oldest date of those.
# Arguments: tenant, series (id), authority, since (a date or null), before (a date: only older numbers).
_REGISTRATIONS = """
    SELECT count(*) AS n, count(*) FILTER (WHERE r.id IS NULL) AS odd, min(e.number) FILTER (WHERE r.id IS NULL) AS one,
           min(e.issued_on) FILTER (WHERE r.id IS NULL) AS oldest
    FROM ledger_period p
    JOIN ledger_entry e ON e.tenant = p.tenant AND e.period_id = p.id
    LEFT JOIN ledger_numberregistered r
        ON r.tenant = e.tenant AND r.entry_id = e.id AND r.authority = %(authority)s
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s AND e.kind = 'issued'
      AND e.issued_on < %(before)s::date AND (%(since)s::date IS NULL OR e.issued_on >= %(since)s::date)
      AND NOT EXISTS (SELECT FROM ledger_numbervoided v WHERE v.tenant = e.tenant AND v.entry_id = e.id)
"""

# Missing numbers that are known: how many there are, how many of them were explained, how many were declared to the
# authority, how many are late (not declared, and the sequence broke before the day ``overdue``), and the day of the
# earliest break that was not declared completely.
# Arguments: tenant, series (id), authority, overdue (a date or null), time_zone.
_GAPS = f"""
    SELECT coalesce(sum(m.size), 0)::bigint AS missing,
           coalesce(sum(m.size) FILTER (WHERE m.explained), 0)::bigint AS explained,
           coalesce(sum(m.declared), 0)::bigint AS declared,
           coalesce(sum(m.size - m.declared) FILTER (WHERE m.broke_on < %(overdue)s::date), 0)::bigint AS late,
           min(m.broke_on) FILTER (WHERE m.size > m.declared) AS broke_on
    FROM ledger_period p
    CROSS JOIN LATERAL ({known_gaps("%(authority)s", "%(time_zone)s")}) m
    WHERE p.tenant = %(tenant)s AND p.series_id = %(series)s
"""  # noqa: S608  (our own text)


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One series: codes and names of its rules (empty if it has none), every finding, and what is not checked."""

    tenant: str
    series: str
    rules: str
    name: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(finding.outcome is outcome for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return told | {"findings": [finding.as_dict() for finding in self.findings], "unchecked": list(self.unchecked)}


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
    tenant, series, using = query_scope(org, tenant, series, using)
    alias = using or router.db_for_read(Series)
    for one in series_of(alias, tenant, series).order_by("tenant", "code").iterator():
        yield _report(one, alias, on)


def broken(one: SeriesReport) -> list[Finding]:
    """The findings that break the rules of a country.

    Missing numbers that must be explained or declared are work to do, and no broken rule.
    """
    known = all_rules()
    work = {code for code, rules in known.items() if rules.gaps and rules.gaps.policy is not GapPolicy.FORBIDDEN}
    failed = (finding for finding in one.findings if finding.outcome is Outcome.FAILED)
    return [finding for finding in failed if finding.check != "gaps" or finding.rules not in work]


def watch(
    *,
    tenant: str | None = None,
    series: Series | str | None = None,
    using: str | None = None,
    refused: Callable[[str], None] | None = None,
) -> Iterator[Alarm]:
    """The alarms of all reports, as they are raised; what is mended is resolved. ``refused`` is as in ``Watch``."""
    tenant, series, using = query_scope(None, tenant, series, using)
    alias = using or router.db_for_write(Series)
    kept = Watch(alias, tenant=tenant, series=series, country_rules=True, refused=refused)
    for one in report(tenant=tenant, series=series, using=alias):
        for alarm in alarms(one):
            kept.see(alarm)
            yield alarm
    kept.finish()


def alarms(one: SeriesReport) -> Iterator[Alarm]:
    """An alarm for each broken rule. It names no count, since a new count would make a new alarm each night."""
    for finding in broken(one):
        source = f" ({finding.source})" if finding.source else ""
        # The ledger keeps alarms in one language.
        with in_english():
            problem = f"The rules {finding.rules or one.rules} are broken, {finding.check}: {finding.rule}{source}"
            remedy = f"{finding.remedy} manage.py ledger_rules tells more.".strip()
        yield Alarm(None, COUNTRY_RULE, problem, remedy, tenant=one.tenant, series=one.series, table="ledger_series")


def _report(series: Series, alias: str, on: date | None) -> SeriesReport:
    try:
        sets = series.rule_sets()
    except InvalidSeries as error:
        # Another version of Folio wrote the rules, or somebody did by hand. It must not look as if all were well.
        unknown = Finding("rules", Outcome.FAILED, error.problem, error.rule, remedy=error.remedy)
        return SeriesReport(series.tenant, series.code, series.rules, "", (unknown,), ())
    if not sets:
        return SeriesReport(series.tenant, series.code, "", "", (), ())
    day = on or today_in(series.time_zone, alias)
    try:
        findings = (*series.rule_findings(day), *_check_rows(series, sets, day, alias))
    except InvalidArgument as error:
        findings = (Finding("settings", Outcome.FAILED, error.problem, error.rule, remedy=error.remedy),)
    unchecked = tuple(dict.fromkeys(told for rules in sets for told in rules.unchecked))
    names = " and ".join(rules.name for rules in sets)
    return SeriesReport(series.tenant, series.code, series.rules, names, findings, unchecked)


def _check_rows(series: Series, sets: tuple[Rules, ...], day: date, alias: str) -> Iterator[Finding]:
    periods = list(summarise(tenant=series.tenant, series=series.code, using=alias))
    for rules in sets:
        yield from as_of(rules, _check_set(series, rules, periods, day, alias), day)
    yield from _open_periods(series, day, alias)


def _check_set(series: Series, rules: Rules, periods: list[PeriodSummary], day: date, alias: str) -> Iterator[Finding]:
    yield from _numbers(series, rules, alias)
    if rules.order is not None:
        count = sum(period.out_of_order for period in periods)
        told = translated("%(n)s numbers are dated before the number that precedes them.", n=count)
        rule = translated("Dates never decrease within a series.")
        remedy = translated("See manage.py ledger_status, and switch the chronology guard on.")
        yield judged("order of numbers", rules.order, told, rule, broken=count > 0, remedy=remedy)
    if rules.gaps is not None:
        yield from _gaps(series, rules.gaps, periods, day, alias)
    if rules.registration is not None:
        yield _registrations(series, rules.registration, day, alias)
    if rules.authorisation is not None:
        yield from _authorisation(series, rules.authorisation, day, alias)


def _numbers(series: Series, rules: Rules, alias: str) -> Iterator[Finding]:
    length, characters, counter = rules.length, rules.characters, rules.counter
    wanted: dict[str, Any] = {"tenant": series.tenant, "series": series.pk}
    wanted["max_length"] = length.maximum if length else None
    wanted["pattern"] = f"^(?:{characters.pattern})$" if characters else None
    wanted["lowest"], wanted["highest"] = (counter.lowest, counter.highest) if counter else (None, None)
    [found] = fetch(alias, _NUMBERS, wanted)
    known = {"n": found.n, "most": found.longest or 0}
    if length is not None:
        told = to_translate("The longest of %(n)s numbers has %(most)s characters.")
        odd = to_translate("%(odd)s of %(n)s numbers are too long, such as %(one)s.")
        told = translated(odd if found.too_long else told, odd=found.too_long, one=repr(found.long_one), **known)
        rule = translated("A number has at most %(n)s characters.", n=length.maximum)
        remedy = translated("They stay as they are; shorten the template for the next period.")
        yield judged("length of numbers", length, told, rule, broken=found.too_long > 0, remedy=remedy)
    if characters is not None:
        told = to_translate("All %(n)s numbers match %(pattern)s.")
        odd = to_translate("%(odd)s of %(n)s numbers don't match %(pattern)s, such as %(one)s.")
        known["pattern"] = characters.pattern
        told = translated(odd if found.odd else told, odd=found.odd, one=repr(found.odd_one), **known)
        rule = translated("A number is made of %(parts)s.", parts=translated(characters.told))
        remedy = translated("They stay as they are; change the template for the next period.")
        yield judged("characters of numbers", characters, told, rule, broken=found.odd > 0, remedy=remedy)
    if counter is not None:
        told = to_translate("The values of all %(n)s numbers lie in that range.")
        odd = to_translate("%(odd)s of %(n)s numbers have other values, such as %(one)s.")
        told = translated(odd if found.outside else told, odd=found.outside, one=repr(found.outside_one), **known)
        rule = translated("Values lie between %(first)s and %(last)s.", first=counter.lowest, last=counter.highest)
        remedy = translated("They stay as they are; issue from another series.")
        yield judged("values of numbers", counter, told, rule, broken=found.outside > 0, remedy=remedy)
    if rules.unique is not None:
        told = translated(
            "%(twice)s of %(n)s numbers come twice, without regard to case.", twice=found.twice, n=found.n
        )
        rule = translated("A number identifies one document; Folio compares without regard to case.")
        if rules.unique.any_case:
            rule = translated("A number identifies one document, without regard to case.")
        remedy = translated("Run manage.py ledger_verify, which names them.")
        yield judged("uniqueness", rules.unique, told, rule, broken=found.twice > 0, remedy=remedy)


def _authorisation(series: Series, wanted: Authorisation, day: date, alias: str) -> Iterator[Finding]:
    """Whether an authority granted the numbers of that day, and whether the unused ends of ranges were declared."""
    level = next(levels(alias, lambda _: day, tenant=series.tenant, series=series.code), None)
    current = None if level is None else level.current
    told = translated("No range was ever added.") if level is None else lazy_text(lambda: _range_told(level))
    if is_strange := current is not None and current.authority != wanted.authority:
        told = translated(
            "%(range)s: %(authority)s is not the authority that these rules name.",
            range=lazy_text(partial(str, current)),
            authority=current.authority,
        )
    remedy = to_translate("Add the range that %(authority)s granted: manage.py ledger_ranges add.")
    yield judged(
        "authorisation",
        wanted,
        told,
        translated(wanted.told),
        broken=current is None or is_strange,
        doubtful=not Period.objects.using(alias).filter(series=series).exists(),
        remedy=translated(remedy, authority=wanted.authority),
    )
    if wanted.declared:
        lapses = RangeLapsed.objects.using(alias).filter(tenant=series.tenant, authorised__series=series)
        known = [undeclared(one.authorised.period, wanted.authority, using=alias) for one in lapses]
        count = sum(gap.count for gaps in known for gap in gaps)
        told = to_translate("%(ranges)s ranges lapsed before they were used up; %(n)s values of them are not declared.")
        remedy = to_translate("Declare them: ledger.actions.declare(undeclared(period, %(authority)s), …).")
        told = translated(told, ranges=len(known), n=count)
        remedy = translated(remedy, authority=repr(wanted.authority))
        rule = translated("What is not used of a range is declared to %(authority)s.", authority=wanted.authority)
        yield judged("lapsed", wanted, told, rule, broken=count > 0, remedy=remedy)


def _range_told(level: Level) -> str:
    told = f"{'; '.join(level.problems) or level.current}."
    return told[0].upper() + told[1:]


def _registrations(series: Series, wanted: Registration, day: date, alias: str) -> Finding:
    authority = {"authority": wanted.authority}
    asked = {"tenant": series.tenant, "series": series.pk, "since": wanted.source.since, **authority}
    [found] = fetch(alias, _REGISTRATIONS, asked | {"before": day - timedelta(days=wanted.days)})
    told = to_translate("All %(n)s numbers have a reference of %(authority)s.")
    if found.odd:
        told = to_translate("%(odd)s of %(n)s numbers have no reference of %(authority)s, such as %(one)s.")
    oldest = day_or_none(found.oldest)
    told = translated(told, odd=found.odd, n=found.n, one=repr(found.one), **authority)
    rule = translated("%(authority)s knows each number %(days)s days after its date.", days=wanted.days, **authority)
    remedy = translated("Send the documents, and note the references: manage.py ledger_references.")
    due = None if oldest is None else oldest + timedelta(days=wanted.days)
    return judged("registration", wanted, told, rule, broken=found.odd > 0, remedy=remedy, due=due)


def _gaps(series: Series, gaps: Gaps, periods: list[PeriodSummary], today: date, alias: str) -> Iterator[Finding]:
    asked = {"tenant": series.tenant, "series": series.pk, "time_zone": series.time_zone}
    [found] = fetch(alias, _GAPS, asked | {"authority": gaps.authority, "overdue": gaps.overdue_before(today)})
    missing = to_translate("%(n)s numbers are known to be missing.")
    if gaps.policy is GapPolicy.FREE:
        told = translated(missing, n=found.missing)
        yield Finding("gaps", Outcome.PASSED, told, translated("Nothing is asked of gaps."), gaps.source)
        return
    if gaps.policy is GapPolicy.FORBIDDEN:
        told, rule = translated(missing, n=found.missing), translated("No number may be missing.")
        remedy = translated("Explain them (manage.py ledger_gaps explain), and ask your adviser.")
        yield judged("gaps", gaps, told, rule, broken=found.missing > 0, remedy=remedy)
    elif gaps.policy is GapPolicy.EXPLAIN:
        rest = found.missing - found.explained
        told = to_translate("%(n)s numbers are known to be missing, %(rest)s of them without explanation.")
        told, rule = translated(told, n=found.missing, rest=rest), translated("A missing number is explained.")
        remedy = translated("Run manage.py ledger_gaps explain.")
        yield judged("gaps", gaps, told, rule, broken=rest > 0, remedy=remedy)
    else:
        yield _declarations(gaps, found)
    holes = sum(period.missing - period.adopted_missing for period in periods)
    waiting = sum(period.reserved for period in periods)
    told = translated("%(n)s values have no entry yet, and %(reserved)s are reserved.", n=holes, reserved=waiting)
    rule = translated("Each number is issued, or known to be missing.")
    remedy = translated("Run manage.py ledger_gaps sweep.")
    # They may heal, or their checkouts may still run. Another command tells which.
    yield judged("holes", gaps, told, rule, broken=holes + waiting > 0, remedy=remedy, doubtful=True)


def _declarations(gaps: Gaps, found: Any) -> Finding:
    rule = to_translate("A missing number is declared.")
    told = to_translate("%(n)s numbers are known to be missing, %(rest)s of them not declared to %(authority)s.")
    if gaps.due_day:
        rule = to_translate("A missing number is declared by day %(day)s after the month in which the sequence broke.")
        if gaps.quarterly:
            rule = to_translate(
                "A missing number is declared by day %(day)s after the quarter in which the sequence broke."
            )
        told = to_translate(
            "%(n)s numbers are known to be missing, %(rest)s of them not declared to %(authority)s, %(late)s overdue."
        )
    rest, broke_on = found.missing - found.declared, day_or_none(found.broke_on)
    told = translated(told, n=found.missing, rest=rest, authority=gaps.authority, late=found.late)
    remedy, due = translated("Run manage.py ledger_declare."), None if broke_on is None else gaps.due(broke_on)
    is_in_time = gaps.due_day is not None and found.late == 0
    rule = translated(rule, day=gaps.due_day)
    return judged("gaps", gaps, told, rule, broken=rest > 0, remedy=remedy, doubtful=is_in_time, due=due)


def _open_periods(series: Series, today: date, alias: str) -> Iterator[Finding]:
    for period in Period.objects.using(alias).filter(series=series, ordinal=0, closed_at=None).order_by("starts_on"):
        highest = series.highest_value(period.as_format())
        if period.max_value > highest:
            told = to_translate(
                "The period %(period)s was opened before the rules were chosen, and its counter may go up to %(n)s."
            )
            rule = to_translate("By the rules %(rules)s and the series' length limit it ends at %(n)s.")
            yield Finding(
                "limit",
                Outcome.WARNED,
                translated(told, period=lazy_text(partial(period_told, period.label)), n=period.max_value),
                translated(rule, rules=series.rules, n=highest),
                remedy=translated("Watch it, and give the next period a shorter template."),
            )
        if not period.starts_on <= today <= period.ends_on:
            continue
        # A warning where the counter runs out before its period ends, at this year's rate.
        rate, last = rates([period.pk], alias, today=today).get(period.pk), min(highest, period.max_value)
        if rate is not None:
            pace = translated("at %(n)s numbers since %(day)s", n=rate.used, day=rate.since)
            if growth := exhaustion_finding(runs_out_on(period, rate, last, today), period, last, pace):
                yield growth
