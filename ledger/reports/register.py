"""The register: every number of a report's periods, one line each, from the first value to the last.

An auditor samples from it. The whole report can be computed again from it: which values are missing, which numbers come
twice, which are out of order, and all sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

from ledger.localization import lazily as _, span_told, to_translate
from ledger.models import RemoteReading
from ledger.reports import report_sql as sql
from ledger.reports.missing import Span, What
from ledger.reports.rows import Kind, Part, Row, column
from ledger.reports.scope import Scope, ScopedPeriod
from ledger.seals.reading import Coverage, coverage

# The dataclass below is made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009

#: The cells of one line, in the order of the columns of ``RegisterRow``, and all but its last one.
Cells = tuple[Any, ...]

_STATES = {
    What.FLAGGED: to_translate("missing"),
    What.ADOPTED: to_translate("missing"),
    What.LOST: to_translate("lost"),
    What.RESERVED: to_translate("reserved"),
    What.FREE: to_translate("free"),
}


@dataclass(frozen=True, slots=True)
class RegisterRow(Row):
    """A value and what became of it. Missing, lost and reserved values of one fate stand on one line, ``value`` to
    ``last_value``, both inclusive; a document's line has one value.

    ``state`` is valid, void, missing, lost, reserved or free; ``kind`` says where the entry comes from: issued here,
    adopted from a previous system, or flagged as a gap. ``sealed_in`` is the number of the seal that covers the entry.
    """

    value: int = column(_("Value"), Kind.VALUE)
    last_value: int = column(_("To value"), Kind.VALUE)
    number: str = column(_("Number"))
    state: str = column(_("State"), Kind.WORD)
    kind: str = column(_("Kind"), Kind.WORD)
    document: str = column(_("Document"))
    issued_on: date | None = column(_("Business date"), Kind.DAY)
    issued_at: datetime | None = column(_("Moment"), Kind.MOMENT)
    issued_by: str = column(_("By"))
    replaces: str | None = column(_("Replaces"), default=None)
    replaced_by: str | None = column(_("Replaced by"), default=None)
    voided_at: datetime | None = column(_("Voided"), Kind.MOMENT, default=None)
    voided_by: str | None = column(_("Voided by"), default=None)
    reason: str | None = column(_("Reason"), default=None)
    explained_by: str | None = column(_("Explained by"), default=None)
    confirmed_by: str | None = column(_("Confirmed by"), default=None)
    declared: str | None = column(_("Declared"), default=None)
    sealed_in: int | None = column(_("Sealed in"), Kind.VALUE, default=None)
    range: str | None = column(_("Authorised range"), default=None)


class _Place(NamedTuple):
    """What the lines of a period share."""

    series: str
    period: str
    authorisation: str


#: All but the last column, the range of the period.
_NAMES = [known.name for known in fields(RegisterRow)][:-1]


def register_part(scope: Scope) -> Part:
    return Part(
        "register",
        _("Register of numbers"),
        _(
            "Every value from the first to the last. A missing value has no document; the reason of a void number is "
            "that of its void, of a missing one its explanation, or else its cause."
        ),
        RegisterRow,
        lambda: (RegisterRow(*cells) for cells in _register(scope)),
        grouped=False,
        plain=lambda: _register(scope),
    )


def _register(scope: Scope) -> Iterator[Cells]:
    """The lines in the order of their values. They are as many as the ledger has numbers: few calls, no objects."""
    sealed = coverage(scope.tenant, using=scope.snapshot.alias)
    authorised = scope.ranges()
    places = [
        _Place(**scoped.place, authorisation=str(authorised.get(scoped.period.pk) or "")) for scoped in scope.periods
    ]
    # The lines without a document, without their last cell, each with the place of its period and its value.
    others: Iterator[tuple[int, int, Cells]] = (
        (place, span.first, _other(scope, scoped, span, sealed))
        for place, scoped in enumerate(scope.periods, 1)
        for span in scope.spans(scoped)
    )
    other_place, other_value, other = next(others, _END)
    wanted, zone = scope.wanted, scope.zone
    voids = scope.snapshot.rows(sql.REGISTER_VOIDS, wanted)
    void: list[Any]
    void_place, void_value, *void = next(voids, _END)
    #: The voids of the values read so far, by the id of the entry. (A value that is in the ledger twice has two.)
    pending: dict[int, Cells] = {}
    seal, of_era, alike = None, 0, range(0)
    confirms = RemoteReading.objects.using(scope.snapshot.alias).filter(tenant=scope.tenant).exists()
    statement = sql.CONFIRMED_REGISTER if confirms else sql.REGISTER
    for row in scope.snapshot.rows(statement, wanted, by_index=True):
        place, value, key, number, kind, document, issued_on, issued_at, actor, replaces, confirmed, era, xid = row
        while place > other_place or (place == other_place and value > other_value):
            yield *other, places[other_place - 1].authorisation
            other_place, other_value, other = next(others, _END)
        while place > void_place or (place == void_place and value >= void_value):
            entry, voided_at, by, reason, replacement = void
            pending[entry] = (replacement, voided_at.astimezone(zone), by, reason)
            void_place, void_value, *void = next(voids, _END)
        fate = pending.pop(key, _NO_VOID) if pending else _NO_VOID
        if era != of_era or xid not in alike:
            (seal, alike), of_era = sealed.stretch(era, xid), era
        series, period, authorisation = places[place - 1]
        yield (
            *(series, period, value, value, number, _VALID if fate is _NO_VOID else _VOID, kind, document),
            *(issued_on, issued_at.astimezone(zone), actor, replaces, *fate, "", confirmed, "", seal, authorisation),
        )
    while other:
        yield *other, places[other_place - 1].authorisation
        other_place, other_value, other = next(others, _END)


#: What comes after all periods.
_END: tuple[int, int, Cells] = (1 << 62, 0, ())
_NO_VOID = (None, None, None, None)
_VALID, _VOID = to_translate("valid"), to_translate("void")
#: Where an entry comes from.
_KINDS = {What.FLAGGED: to_translate("gap"), What.ADOPTED: to_translate("adopted")}


def _other(scope: Scope, scoped: ScopedPeriod, span: Span, sealed: Coverage) -> Cells:
    numbers, item, state = scoped.period.as_format(), span.known, _STATES[span.what]
    first, last = numbers.shown(span.first, item.asked_for), numbers.shown(span.last, item.asked_for)
    row = RegisterRow(
        **scoped.place,
        value=span.first,
        last_value=span.last,
        number=first if span.count == 1 else span_told(first, last),
        state=state,
        kind=_KINDS.get(span.what, ""),
        document=item.document,
        issued_on=item.asked_for,
        issued_at=scope.local(item.since),
        issued_by=item.actor,
        reason=item.explanation or str(item.evidence.get("cause", "") if span.item else _("nothing is known of it")),
        explained_by=item.explained_by,
        declared=scope.declared(scoped.period.pk, span.first, span.last) if state == "missing" else "",
        sealed_in=sealed.number(item.era, item.transaction_id) if item.era and item.transaction_id else None,
    )
    return tuple(getattr(row, name) for name in _NAMES)
