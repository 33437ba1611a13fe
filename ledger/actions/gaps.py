"""What people do about gaps: explain them, declare them to an authority, and skip a number that is taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import DatabaseError, router, transaction

from ledger import homes, refusals
from ledger.calendars import require_plain_date
from ledger.cursors import fetch, fetch_value
from ledger.database_errors import not_granted, retry, translate_database_errors
from ledger.databases import database_of, expect, same_row, series_named
from ledger.errors import DeclarationError, GapError, LedgerError
from ledger.formats import MAX_VALUE
from ledger.gaps import Gap, GapRange, sql
from ledger.keys import actor_name, check_text, reason_text, tenant_key
from ledger.models import AdoptedGap, Entry, GapDeclared, GapExplained, Series
from ledger.sql import DECLARE, EXPLAIN, SKIP_TAKEN
from ledger.texts import shown

_AUTHORITY_LENGTH = 60
_CHECK, _EXCLUSION, _UNIQUE = "23514", "23P01", "23505"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value that will never be issued, and the number that it would have had."""

    value: int
    number: str


#: Why the next number can't be skipped.
_PROBLEMS = {
    "no_period": ("has no period for that day", "Open it first."),
    "closed": ("has closed the period of that day", "There is nothing to do: the next period goes on."),
    "exhausted": ("has no value left in that period", "Issue in the next period."),
    "in_flight": ("has a checkout that holds the value just now", "Run it again in a moment."),
}


def explain(
    gap: Entry | AdoptedGap | Gap | str, *, explanation: str, by: Any = None, org: Any = None, using: str | None = None
) -> GapExplained:
    """Append GapExplained for a gap, and return it. If the last explanation has the same text and person, return that.

    ``gap`` is a GapFlagged entry, a range of an adopted history, what ``flagged_gaps`` yields for either, or the text
    of the missing number together with the tenant as ``org``. ``explanation`` is what an auditor will read, ``by`` who
    gives it; the time is the database's clock.

    Raises GapError if there is no such gap, and InvalidReason.
    """
    expect(gap, (Entry, AdoptedGap, Gap, str), "gap", "Pass the gap, or explain('INV-2026-000123', org=shop, …).")
    alias = database_of(gap, GapExplained, using, org=org)
    text, actor = reason_text(explanation), actor_name(by)
    named: Any = _row(gap, alias) if isinstance(gap, Gap) else gap
    tenant = gap.tenant if isinstance(gap, Gap) else tenant_key(org)
    found: Any = _find(named, tenant, alias) if isinstance(named, str) else same_row(named, alias)
    is_entry = isinstance(found, Entry)
    if is_entry and found.kind != Entry.Kind.GAP:
        raise GapError(
            f"The number {found.number!r} of tenant {found.tenant!r} is {found.kind}, so it is no gap.",
            rule="An explanation belongs to a value without a document.",
            remedy="If the number is not valid any more, void it.",
        )
    entries, ranges = ([found.pk], []) if is_entry else ([], [found.pk])
    said = GapExplained.objects.using(alias).filter(
        tenant=found.tenant, **{"entry" if is_entry else "adopted_gap": found.pk}
    )
    last = said.order_by("-pk").first()
    if last is not None and (last.explanation, last.actor) == (text, actor):
        last.repeated = True
        return last
    with translate_database_errors("of this gap", wanted="an explanation needs"):
        return said.get(pk=fetch_value(alias, EXPLAIN, [found.tenant, entries, ranges, text, actor]))


def declare(
    gaps: Iterable[GapRange],
    *,
    authority: str,
    reference: str,
    justification: str = "",
    by: Any = None,
    using: str | None = None,
) -> list[GapDeclared]:
    """Append GapDeclared for each range, all or none, and return them.

    ``authority`` is where they were declared, such as "BR NF-e"; ``reference`` the protocol or receipt that it gave.

    Raises DeclarationError if a value is used, is not known to be missing, or was declared to the same authority
    before; and InvalidReason, InvalidActor.
    """
    remedy = "Pass what undeclared(period, authority) returns, or GapRange(period, 7, 9)."
    expect(gaps, Iterable, "gaps", remedy)
    every = list(gaps)
    for gap in every:
        expect(gap, GapRange, "gaps", remedy)
        for name, value in (("first", gap.first), ("last", gap.last)):
            expect(value, int, name, remedy)
            if not 0 <= value <= MAX_VALUE:
                problem = f"{name}={shown(value, 60)} is no value of a counter."
                raise DeclarationError(problem, rule=f"Values lie between 0 and {MAX_VALUE}.", remedy=remedy)
    aliases = {database_of(gap.period, GapDeclared, using) for gap in every} or {router.db_for_write(GapDeclared)}
    if len(aliases) > 1:
        raise DeclarationError(
            f"These gaps are of {len(aliases)} databases: {', '.join(sorted(aliases))}.",
            rule="A declaration is noted as a whole, in one transaction in one database.",
            remedy="Declare the gaps of each database in a call of their own.",
        )
    alias = aliases.pop()
    for gap in every:
        same_row(gap.period, alias)
    check_text(authority, DeclarationError, "The authority ", longest=_AUTHORITY_LENGTH)
    check_text(reference, DeclarationError, "The reference ")
    reason = reason_text(justification) if justification else ""
    actor = actor_name(by)
    try:
        with transaction.atomic(using=alias):
            return _declared(every, alias, [authority, reference, reason, actor])
    except DatabaseError as error:
        ours = not_granted(error, "a declaration needs") or retry(error.__cause__, f"of {authority!r}")
        if (ours := ours or _ours(error, authority)) is None:
            raise
        raise ours from error


def skip_taken(
    series: Series | str, *, org: Any = None, on: date | None = None, by: Any = None, using: str | None = None
) -> Skipped:
    """Let a series continue whose next number another series, or an adopted history, has already.

    Issuing raises NumberTaken there. The value is flagged as a gap with the cause "number taken", by ``by``; ``on``
    picks the period, by default today's. Raises GapError if the next number isn't taken or can't be skipped, and
    UnknownSeries.
    """
    code, org, using = series_named(series, org, using)
    alias = using or router.db_for_write(Entry)
    tenant, actor = tenant_key(org), actor_name(by)
    if on is not None:
        require_plain_date(on)
    with translate_database_errors(code):
        answer: list[str] = fetch_value(alias, SKIP_TAKEN, [tenant, code, on, actor])
    outcome, value, number, *_ = *answer, "", ""
    if outcome == "skipped":
        return Skipped(int(value), number)
    if outcome == "unknown":
        raise refusals.unknown_series(alias, tenant, code)
    problem, remedy = _PROBLEMS.get(outcome, (f"comes to {number or 'a number'!r} next, which is free", "Issue it."))
    raise GapError(
        f"The series {code!r} of tenant {tenant!r} {problem}.",
        rule="Only a number that the tenant's ledger has already is skipped.",
        remedy=remedy,
    )


def _row(gap: Gap, alias: str) -> Any:
    """The row of a gap that ``flagged_gaps`` yielded; its number if there is no such row."""
    rows: Any = AdoptedGap if gap.entry is None else Entry
    wanted = {"tenant": gap.tenant, "period": gap.period, "pk": gap.entry or gap.adopted_gap}
    return rows.objects.using(alias).filter(**wanted).first() or gap.number


def _find(number: str, tenant: str, alias: str) -> Entry | AdoptedGap:
    def look() -> Entry | AdoptedGap | None:
        entry = Entry.objects.using(alias).filter(tenant=tenant, number__iexact=number).first()
        return entry or _adopted(number, tenant, alias)

    if number.isprintable() and (found := homes.find_at_home(alias, tenant, look)) is not None:
        return found
    raise GapError(
        f"Tenant {tenant!r} has no gap {number!r}.",
        rule="A gap is explained once a sweep has proven it, or when it was adopted.",
        remedy="See manage.py ledger_gaps for holes; manage.py ledger_gaps sweep flags what no checkout holds.",
    )


def _adopted(number: str, tenant: str, alias: str) -> AdoptedGap | None:
    """The adopted range in which a number of that text would lie."""
    ids = [pk for (pk,) in fetch(alias, sql.ADOPTED_GAP, {"tenant": tenant, "number": number})]
    return AdoptedGap.objects.using(alias).get(pk=ids[0]) if ids else None


def _declared(gaps: Sequence[GapRange], alias: str, facts: list[str]) -> list[GapDeclared]:
    """Declare the ranges, one call for each tenant among them; the events in the order of the ranges."""
    made: dict[tuple[int, int], GapDeclared] = {}
    for tenant in dict.fromkeys(gap.period.tenant for gap in gaps):
        mine = [gap for gap in gaps if gap.period.tenant == tenant]
        ranges = [[gap.period.pk for gap in mine], [gap.first for gap in mine], [gap.last for gap in mine]]
        ids = [pk for (pk,) in fetch(alias, DECLARE, [tenant, *ranges, *facts])]
        for event in GapDeclared.objects.using(alias).in_bulk(ids).values():
            made[(event.period_id, event.first_value)] = event
    return [made[(gap.period.pk, gap.first)] for gap in gaps]


def _ours(error: DatabaseError, authority: str) -> LedgerError | None:
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state in (_EXCLUSION, _UNIQUE):
        return DeclarationError(
            f"Some of these values were declared to {authority!r} before.",
            rule="A missing number is declared to an authority once.",
            remedy="Leave them out; the admin's page of declared gaps shows what was declared.",
        )
    if state == _CHECK:
        return DeclarationError(
            f"{cause.diag.message_primary[:1].upper()}{cause.diag.message_primary[1:]}.",
            rule="Only values without a document are declared: flagged gaps, adopted ranges, ends that lapsed.",
            remedy="See manage.py ledger_gaps; manage.py ledger_gaps sweep flags what no checkout holds.",
        )
    return None
