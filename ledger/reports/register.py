"""The register: every number of a report's periods, one line each, from the first value to the last.

It is the population that an auditor samples from. With it alone the report can be done again: which values are missing,
which numbers come twice, which are out of order, and all sums.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from ledger.reports import report_sql as sql
from ledger.reports.missing import Span, What
from ledger.reports.rows import Kind, Part, Row, column, columns_of
from ledger.reports.scope import Scope, ScopedPeriod

# The dataclass below is made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009

#: The cells of one line, in the order of the columns of ``RegisterRow``.
Cells = tuple[Any, ...]

_STATES = {
    What.FLAGGED: "missing",
    What.ADOPTED: "missing",
    What.LOST: "lost",
    What.RESERVED: "reserved",
    What.FREE: "free",
}


@dataclass(frozen=True, slots=True)
class RegisterRow(Row):
    """A value and what became of it. Missing, lost and reserved values of one fate stand on one line, ``value`` to
    ``last_value``, both inclusive; a document's line has one value.

    ``state`` is valid, void, missing, lost, reserved or free; ``kind`` says where the entry comes from: issued here,
    adopted from a previous system, or flagged as a gap. Moments are in the series' time zone, with their offset.
    """

    value: int = column("Value", Kind.VALUE)
    last_value: int = column("To value", Kind.VALUE)
    number: str = column("Number")
    state: str = column("State")
    kind: str = column("Kind")
    document: str = column("Document")
    issued_on: date | None = column("Business date", Kind.DAY)
    issued_at: datetime | None = column("Moment", Kind.MOMENT)
    issued_by: str = column("By")
    replaces: str | None = column("Replaces", default=None)
    replaced_by: str | None = column("Replaced by", default=None)
    voided_at: datetime | None = column("Voided", Kind.MOMENT, default=None)
    voided_by: str | None = column("Voided by", default=None)
    reason: str | None = column("Reason", default=None)
    explained_by: str | None = column("Explained by", default=None)
    confirmed_by: str | None = column("Confirmed by", default=None)
    declared: str | None = column("Declared", default=None)


_NAMES = [known.name for known in columns_of(RegisterRow)]


def register_part(scope: Scope) -> Part:
    """The register of a report's periods."""
    return Part(
        "register",
        "Register of numbers",
        "Every value from the first to the last. A missing value has no document; the reason of a void number is that "
        "of its void, of a missing one its explanation, or else its cause.",
        RegisterRow,
        lambda: (RegisterRow(*cells) for cells in _register(scope)),
        grouped=False,
        plain=lambda: _register(scope),
    )


def _register(scope: Scope) -> Iterator[Cells]:
    confirms = bool(scope.snapshot.row(sql.READS_SYSTEMS, {"tenant": scope.tenant})[0])
    for scoped in scope.periods:
        documents = _documents(scope, scoped, confirms=confirms)
        others = (_other(scope, scoped, span) for span in scope.spans(scoped))
        yield from heapq.merge(documents, others, key=itemgetter(2))


def _documents(scope: Scope, scoped: ScopedPeriod, *, confirms: bool) -> Iterator[Cells]:
    place, zone = (scoped.summary.series, scoped.summary.period), scoped.zone
    wanted = {"tenant": scope.tenant, "period": scoped.period.pk, "since": scope.since, "until": scope.until}
    statement = sql.CONFIRMED_REGISTER if confirms else sql.REGISTER
    for row in scope.snapshot.rows(statement, wanted, by_index=True):
        value, number, kind, document, issued_on, issued_at, actor, replaces, replaced_by, *voided, confirmed_by = row
        state, issued_at = "valid", issued_at.astimezone(zone)
        voided_at, voided_by, reason = voided
        if voided_at is not None:
            state, voided_at = "void", voided_at.astimezone(zone)
        entry = (value, value, number, state, kind, document, issued_on, issued_at, actor)
        void = (replaces, replaced_by, voided_at, voided_by, reason)
        yield (*place, *entry, *void, "", confirmed_by, "")


def _other(scope: Scope, scoped: ScopedPeriod, span: Span) -> Cells:
    """A line of values that no document bears."""
    numbers, item, state = scoped.period.as_format(), span.item, _STATES[span.what]
    dated = item.asked_for if item else None
    first, last = numbers.shown(span.first, dated), numbers.shown(span.last, dated)
    row = RegisterRow(
        series=scoped.summary.series,
        period=scoped.summary.period,
        value=span.first,
        last_value=span.last,
        number=first if span.count == 1 else f"{first} to {last}",
        state=state,
        kind={What.FLAGGED: "gap", What.ADOPTED: "adopted"}.get(span.what, ""),
        document=item.document if item else "",
        issued_on=item.asked_for if item else None,
        issued_at=scoped.local(item.since) if item else None,
        issued_by=item.actor if item else "",
        reason=(item.explanation or str(item.evidence.get("cause", ""))) if item else "nothing is known of it",
        explained_by=item.explained_by if item else "",
        declared=_declared(scope, scoped, span) if state == "missing" else "",
    )
    return tuple(getattr(row, name) for name in _NAMES)


def _declared(scope: Scope, scoped: ScopedPeriod, span: Span) -> str:
    wanted: dict[str, Any] = {
        "tenant": scope.tenant,
        "period": scoped.period.pk,
        "first": span.first,
        "last": span.last,
    }
    return str(scope.snapshot.row(sql.DECLARED, wanted)[0] or "")
