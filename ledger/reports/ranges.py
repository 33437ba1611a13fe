"""The part of the report on ranges that an authority granted: what each was, how far it was used, what lapsed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from ledger.models import AuthorisedRange, RangeLapsed
from ledger.reports.rows import Kind, Part, Row, column
from ledger.reports.scope import Scope
from ledger.words import lazily as _

# The dataclass below is made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009


@dataclass(frozen=True, slots=True)
class AuthorisationRow(Row):
    """A range that an authority granted; values and days are inclusive. ``used`` counts what its counter gave out."""

    authority: str = column(_("Authority"), share=1.1)
    reference: str = column(_("Reference"), share=1.8)
    document_type: str = column(_("Type"), share=0.6)
    prefix: str = column(_("Prefix"), share=0.7)
    first: int = column(_("From"), Kind.VALUE)
    last: int | None = column(_("To"), Kind.VALUE)
    valid_from: date = column(_("Valid from"), Kind.DAY, 1.15)
    valid_to: date | None = column(_("Valid to"), Kind.DAY, 1.15)
    used: int = column(_("Used"), Kind.WHOLE, 0.8)
    lapsed_first: int | None = column(_("Lapsed from"), Kind.VALUE, 0.8)
    lapsed_last: int | None = column(_("Lapsed to"), Kind.VALUE, 0.8)
    lapsed_at: datetime | None = column(_("Lapsed"), Kind.MOMENT, 1.5)
    declared: str = column(_("Declared"), share=1.4)
    document: str = column(_("Document"), share=0)
    authorised_at: datetime = column(_("Added"), Kind.MOMENT, 1.5)
    authorised_by: str = column(_("By"), share=0.9)


def ranges_of(scope: Scope) -> dict[int, AuthorisedRange]:
    """The range that each period of a report is, by the period's id."""
    periods = [scoped.period.pk for scoped in scope.periods if scoped.period.ordinal]
    found = AuthorisedRange.objects.using(scope.snapshot.alias).filter(tenant=scope.tenant, period__in=periods)
    return {one.period_id: one for one in found}


def range_parts(scope: Scope) -> Iterator[Part]:
    """None for a tenant without such ranges."""
    if any(scoped.period.ordinal for scoped in scope.periods):
        note = _(
            "Values and days are inclusive. The unused end of a range lapses when it expires, and bears no document."
        )
        yield Part(
            "authorisations", _("Authorised ranges"), note, AuthorisationRow, lambda: _rows(scope), grouped=False
        )


def _rows(scope: Scope) -> Iterator[AuthorisationRow]:
    alias, known = scope.snapshot.alias, ranges_of(scope)
    its_own = {"tenant": scope.tenant, "authorised__in": [one.pk for one in known.values()]}
    lapses = {one.authorised_id: one for one in RangeLapsed.objects.using(alias).filter(**its_own)}
    for scoped in scope.periods:
        granted = known.get(scoped.period.pk)
        if granted is None:
            continue
        lapsed = lapses.get(granted.pk)
        yield AuthorisationRow(
            series=scoped.summary.series,
            period=scoped.summary.period,
            authority=granted.authority,
            reference=granted.reference,
            document_type=granted.document_type,
            prefix=granted.prefix,
            first=granted.first_value,
            last=granted.last_value,
            valid_from=granted.valid_from,
            valid_to=granted.valid_to,
            used=max(scoped.summary.expected, 0),
            lapsed_first=None if lapsed is None else lapsed.first_value,
            lapsed_last=None if lapsed is None else lapsed.last_value,
            lapsed_at=None if lapsed is None else scope.local(lapsed.lapsed_at),
            declared="" if lapsed is None else _declared(scope, lapsed, granted.period_id),
            document=granted.document,
            authorised_at=granted.authorised_at.astimezone(scope.zone),
            authorised_by=granted.actor,
        )


def _declared(scope: Scope, lapsed: RangeLapsed, period: int) -> str:
    return ", ".join(
        f"{one.authority} {one.reference}"
        for one in scope.declarations
        if one.period == period and one.first <= lapsed.last_value and one.last >= lapsed.first_value
    )
