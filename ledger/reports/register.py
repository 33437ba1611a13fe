"""The register: every number of a report's periods, one line each, from the first value to the last.

It is the population that an auditor samples from. With it alone the report can be done again: which values are missing,
which numbers come twice, which are out of order, and all sums.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from ledger.reports import report_sql as sql
from ledger.reports.missing import Span, What
from ledger.reports.rows import Kind, Part, Row, column
from ledger.reports.scope import Scope, ScopedPeriod

# The dataclass below is made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009

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
    replaces: str = column("Replaces")
    replaced_by: str = column("Replaced by")
    voided_at: datetime | None = column("Voided", Kind.MOMENT)
    voided_by: str = column("Voided by")
    reason: str = column("Reason")
    explained_by: str = column("Explained by")
    confirmed_by: str = column("Confirmed by")
    declared: str = column("Declared")


def register_part(scope: Scope) -> Part:
    """The register of a report's periods."""
    return Part(
        "register",
        "Register of numbers",
        "Every value from the first to the last. A missing value has no document; the reason of a void number is that "
        "of its void, of a missing one its explanation, or else its cause.",
        RegisterRow,
        lambda: _register(scope),
        grouped=False,
    )


def _register(scope: Scope) -> Iterator[RegisterRow]:
    confirms = bool(scope.snapshot.row(sql.READS_SYSTEMS, {"tenant": scope.tenant})[0])
    for scoped in scope.periods:
        documents = _documents(scope, scoped, confirms=confirms)
        others = (_other(scope, scoped, span) for span in scope.spans(scoped))
        yield from heapq.merge(documents, others, key=attrgetter("value"))


def _documents(scope: Scope, scoped: ScopedPeriod, *, confirms: bool) -> Iterator[RegisterRow]:
    series, period, zone = scoped.summary.series, scoped.summary.period, scoped.zone
    wanted = {"tenant": scope.tenant, "period": scoped.period.pk, "since": scope.since, "until": scope.until}
    statement = sql.CONFIRMED_REGISTER if confirms else sql.REGISTER
    for (
        value,
        number,
        kind,
        document,
        issued_on,
        issued_at,
        actor,
        replaces,
        replaced_by,
        voided_at,
        voided_by,
        reason,
        confirmed_by,
    ) in scope.snapshot.rows(statement, wanted, by_index=True):
        yield RegisterRow(
            series,
            period,
            value,
            value,
            number,
            "valid" if voided_at is None else "void",
            kind,
            document,
            issued_on,
            issued_at.astimezone(zone),
            actor,
            replaces or "",
            replaced_by or "",
            None if voided_at is None else voided_at.astimezone(zone),
            voided_by or "",
            reason or "",
            "",
            confirmed_by or "",
            "",
        )


def _other(scope: Scope, scoped: ScopedPeriod, span: Span) -> RegisterRow:
    """A line of values that no document bears."""
    numbers, item = scoped.period.as_format(), span.item
    first, last = numbers.shown(span.first), numbers.shown(span.last)
    missing = _STATES[span.what] == "missing"
    return RegisterRow(
        series=scoped.summary.series,
        period=scoped.summary.period,
        value=span.first,
        last_value=span.last,
        number=first if span.count == 1 else f"{first} to {last}",
        state=_STATES[span.what],
        kind={What.FLAGGED: "gap", What.ADOPTED: "adopted"}.get(span.what, ""),
        document=item.document if item else "",
        issued_on=item.asked_for if item else None,
        issued_at=scoped.local(item.since) if item else None,
        issued_by=item.actor if item else "",
        replaces="",
        replaced_by="",
        voided_at=None,
        voided_by="",
        reason=(item.explanation or str(item.evidence.get("cause", ""))) if item else "nothing is known of it",
        explained_by=item.explained_by if item else "",
        confirmed_by="",
        declared=_declared(scope, scoped, span) if missing else "",
    )


def _declared(scope: Scope, scoped: ScopedPeriod, span: Span) -> str:
    wanted: dict[str, Any] = {
        "tenant": scope.tenant,
        "period": scoped.period.pk,
        "first": span.first,
        "last": span.last,
    }
    return str(scope.snapshot.row(sql.DECLARED, wanted)[0] or "")
