"""Ranges of numbers that an authority grants: adding them, and how much of them is left."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import DatabaseError, router, transaction
from django.db.models import Count
from django.utils.translation import gettext

from ledger import refusals, sql
from ledger.cursors import fetch_value
from ledger.database_errors import translate_database_errors
from ledger.databases import expect, series_named
from ledger.errors import RangeRefused
from ledger.exhaustion import rates
from ledger.keys import actor_name, check_text, tenant_key
from ledger.localization import day_told, quantity
from ledger.models import AuthorisedRange, Period, Series, Slot
from ledger.signals import ask_for_seal
from ledger.texts import shown

#: A range is low with this share of its values left, or less (1/5), or with fewer days.
LOW_SHARE, LOW_DAYS = 5, 30

#: The pace is that of the last so many days; a range that was begun later is measured over a week at least.
_PACE, _WEEK = 30, 7

#: The longest texts of a range, in characters.
_LENGTHS = {"prefix": 20, "authority": 60, "reference": 200, "document_type": 20, "key_reference": 200, "document": 200}


def authorise(
    series: Series | str,
    *,
    first: int,
    last: int | None = None,
    valid_from: date,
    valid_to: date | None = None,
    authority: str,
    reference: str,
    prefix: str = "",
    document_type: str = "",
    key_reference: str = "",
    document: str = "",
    by: Any = None,
    org: Any = None,
    using: str | None = None,
) -> AuthorisedRange:
    """Append AuthorisedRange: from now on ``series`` takes its numbers from its ranges, in the order they were added.

    ``first`` and ``last`` are the values, ``valid_from`` and ``valid_to`` the days on which a number may be dated, all
    inclusive; a range without ``last`` or ``valid_to`` is open at that end. ``authority`` is who granted it, such as
    ``"CO DIAN"``, ``reference`` its name for the grant: a resolution, a CAE, a validation code. ``prefix`` is the
    authority's prefix of the numbers: the text of ``{label}`` in the template, else the beginning of the numbers.
    ``document_type`` is the authority's, ``key_reference`` says where the host keeps a technical key (never the key
    itself), ``document`` where it keeps the authority's document. ``by`` names who adds it; ``org`` and ``using`` are
    as in ``issue``. The same range again returns the first event.

    Periods that were opened ahead and are empty are removed. Raises RangeRefused if an open period has numbers, if the
    range repeats numbers, or if its numbers don't fit the series; AgainstRules if the rules of the series forbid its
    numbers; UnknownSeries; NotGranted.
    """
    code, org, using = series_named(series, org, using)
    alias, tenant = using or router.db_for_write(AuthorisedRange), tenant_key(org)
    _check(first, last, valid_from, valid_to)
    texts = (prefix, authority, reference, document_type, key_reference, document)
    for (name, longest), text in zip(_LENGTHS.items(), texts, strict=True):
        if text or name in ("authority", "reference"):
            check_text(text, RangeRefused, f"The {name} ", longest=longest)
    arguments = [tenant, code, prefix, first, last, valid_from, valid_to, *texts[1:], actor_name(by)]
    with translate_database_errors(code, wanted="an authorised range needs"), transaction.atomic(using=alias):
        try:
            with transaction.atomic(using=alias):
                outcome, told = [*fetch_value(alias, sql.AUTHORISE, arguments), None][:2]
        except DatabaseError as error:
            cause: Any = error.__cause__
            if getattr(cause, "sqlstate", None) != "23514":  # check_violation: the template
                raise
            outcome, told = "template", cause.diag.message_primary
        if outcome not in ("authorised", "there"):
            raise _refused(alias, tenant, code, outcome, str(told), f"{prefix}{first}")
        event = AuthorisedRange.objects.using(alias).select_related("series", "period").get(pk=int(str(told)))
        event.repeated = outcome == "there"
        if not event.repeated:
            event.period.series = event.series
            event.period.check_rules()
        transaction.on_commit(partial(ask_for_seal, alias), using=alias, robust=True)
    return event


def _check(first: Any, last: Any, valid_from: Any, valid_to: Any) -> None:
    expect(first, int, "first", "Pass a whole number, such as first=1.")
    expect(valid_from, date, "valid_from", "Pass a date, such as date(2026, 1, 1).")
    if last is not None:
        expect(last, int, "last", "Pass a whole number, such as last=5000, or nothing for a range without an end.")
    if valid_to is not None:
        expect(valid_to, date, "valid_to", "Pass a date, or nothing for a range that doesn't expire.")
    if not 0 <= first <= (first if last is None else last) < 2**63 - 1:
        raise RangeRefused(
            f"A range from {shown(first)} to {shown(last)} is impossible.",
            rule="A range goes from a value of 0 or above to the same or a higher one.",
            remedy="Look at the authority's document, and correct first or last.",
        )
    if valid_to is not None and valid_to < valid_from:
        raise RangeRefused(
            f"A range can't be valid from {valid_from} to {valid_to}.",
            rule="A range is valid from a day to the same or a later one, both inclusive.",
            remedy="Look at the authority's document, and correct valid_from or valid_to.",
        )


def _refused(alias: str, tenant: str, code: str, outcome: str, told: str, number: str) -> Exception:
    if outcome == "unknown":
        return refusals.unknown_series(alias, tenant, code)
    name = f"{tenant}/{code}" if tenant else code
    if outcome == "in_use":
        period = Period.objects.using(alias).get(pk=int(told))
        told = f"the open period {period.label} of the series has numbers, or was changed by hand"
        remedy = (
            f"Close it first: manage.py ledger_period close {code} --on {period.starts_on} --early; or let the range "
            f"begin after {period.ends_on}."
        )
    else:
        told, remedy = {
            "remote": (
                "its numbers are given by an accounting system",
                "Add the range there, or choose another allocation.",
            ),
            "differs": (
                "this reference and first value are known with another prefix, last value, days or type",
                "What an authority said never changes: correct the arguments, or the reference.",
            ),
            "type": (
                f"the ranges that it has of this authority are for documents of type {told!r}",
                "Number each type in a series of its own.",
            ),
            "prefix": (
                f"by the series' template the first number would be {told!r}, which doesn't begin with the prefix",
                "Write the template as {label}{counter}: the prefix is its label.",
            ),
            "too_long": (
                f"its highest value is {told}, by the length limit and the rules of the series",
                "Correct the values, or raise max_length.",
            ),
            "template": (told, "Pass the prefix that the template's {label} stands for, of at most 20 characters."),
            "conflict": (
                told.removeprefix("conflict: ") if ": " in told else "another period has numbers of it",
                "Look at the ranges of this tenant: manage.py ledger_ranges list. A series of another type needs a "
                "prefix of its own in its template.",
            ),
        }[outcome]
    return RangeRefused(
        f"The range from {number} can't be added to series {name!r}: {told}.",
        rule="A series with authorised ranges takes all its numbers from them, and no number comes twice.",
        remedy=remedy,
    )


@dataclass(frozen=True, slots=True)
class Level:
    """How much of a series' ranges is left: values of a total, until which day, and for how many days at this pace.

    ``current`` is the range that today's next number comes from, or None. ``until`` is None if a range doesn't expire,
    ``days`` is None if nothing was issued in the last 30 days.
    """

    series: Series
    current: AuthorisedRange | None
    last: AuthorisedRange
    left: int
    total: int
    until: date | None
    days: int | None
    today: date

    @property
    def problems(self) -> list[str]:
        """Why the next range should be asked for; empty where that can wait."""
        if self.current is None:
            return [gettext("no range has a value left for today")]
        found = []
        if self.left * LOW_SHARE <= self.total:
            found.append(self._left)
        if self.until is not None and (self.until - self.today).days < LOW_DAYS:
            found.append(gettext("the last day is %(day)s") % {"day": day_told(self.until)})
        if self.days is not None and self.days < LOW_DAYS:
            found.append(gettext("at this month's pace %(n)s days are left") % {"n": quantity(self.days)})
        return found

    def __str__(self) -> str:
        told = gettext("%(series)s: %(told)s (the last range is %(range)s)")
        return told % {"series": self.series, "told": "; ".join(self.problems) or self._left, "range": self.last}

    @property
    def _left(self) -> str:
        told = gettext("%(n)s of %(all)s values are left")
        return told % {"n": quantity(self.left), "all": quantity(self.total)}


def levels(
    alias: str, today: Callable[[Series], date], *, tenant: str | None = None, series: str | None = None
) -> Iterator[Level]:
    """The level of each active series with ranges, on the day that ``today`` returns for the series."""
    found = AuthorisedRange.objects.using(alias).select_related("series", "period").filter(series__is_active=True)
    if tenant is not None:
        found = found.filter(tenant=tenant)
    if series is not None:
        found = found.filter(series__code=series)
    for _, of_series in groupby(found.order_by("tenant", "series_id", "period__ordinal"), attrgetter("series_id")):
        ranges = list(of_series)
        yield _level(alias, ranges, today(ranges[0].series))


def _level(alias: str, ranges: list[AuthorisedRange], today: date) -> Level:
    open_ones = [one for one in ranges if one.period.closed_at is None and one.period.ends_on >= today]
    free = _free(alias, open_ones)
    usable = [one for one in open_ones if free[one.period_id] > 0]
    current = next((one for one in usable if one.valid_from <= today), None)
    left = sum(free[one.period_id] for one in usable)
    ends = [one.valid_to for one in usable]
    pace = rates([one.period_id for one in ranges], alias, today=today, days=_PACE)
    used = sum(rate.used for rate in pace.values())
    since = min((rate.since for rate in pace.values()), default=today)
    return Level(
        series=ranges[0].series,
        current=current,
        last=(usable or ranges)[-1],
        left=left,
        total=sum(one.period.max_value - one.period.first_value + 1 for one in usable),
        until=max(filter(None, ends), default=None) if None not in ends else None,
        days=left * max(_WEEK, (today - since).days + 1) // used if used else None,
        today=today,
    )


def _free(alias: str, ranges: Iterable[AuthorisedRange]) -> dict[int, int]:
    """How many values of each range are left, by its period."""
    left = {one.period_id: one.period.max_value - one.period.last_value for one in ranges}
    waiting = Slot.objects.using(alias).filter(period__in=list(left)).values_list("period_id").annotate(Count("pk"))
    return left | {period: left[period] + count for period, count in waiting}
