"""The parts of the continuity report that accounting systems tell of, where the tenant's numbers are in one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.models import FindingKind
from ledger.reconciliation.findings import told_there
from ledger.reports import report_sql as sql
from ledger.reports.rows import Kind, Part, Row, column
from ledger.reports.scope import Scope
from ledger.unreadable import facts as readable
from ledger.words import lazily as _

# The dataclasses below are made of `column(…)`, which is a `field(…)`.
# ruff: noqa: RUF009


@dataclass(frozen=True, slots=True)
class FindingRow(Row):
    """What differs in an accounting system and is not over. Series and period are empty for a number unknown here."""

    number: str = column(_("Number"), share=1.6)
    system: str = column(_("System"), share=1.3)
    finding: str = column(_("What differs"), Kind.WORD, 1.8)
    document: str = column(_("Document"), share=1.2)
    there: str = column(_("There"), share=2.8)
    facts: Mapping[str, Any] = column(_("Both sides"), Kind.EVIDENCE, 0)
    found_at: datetime = column(_("Found"), Kind.MOMENT, 1.75)
    reason: str = column(_("May stand because"), share=1.8)
    acknowledged_by: str = column(_("By"), share=0.9)
    acknowledged_at: datetime | None = column(_("Acknowledged"), Kind.MOMENT, 0)


@dataclass(frozen=True, slots=True)
class ConfirmedRow(Row):
    """How many of a period's numbers a system knows as the ledger does: posted and valid, or void on both sides."""

    system: str = column(_("System"), share=1.2)
    confirmed: int = column(_("Confirmed"), Kind.WHOLE)
    used: int = column(_("Of issued"), Kind.WHOLE)
    compared_at: datetime | None = column(_("Compared"), Kind.MOMENT, 1.75)


def remote_parts(scope: Scope) -> Iterator[Part]:
    """Open findings; and confirmed numbers, unless no accounting system was read of the tenant."""
    systems = dict(scope.snapshot.rows(sql.SYSTEMS, {"tenant": scope.tenant}))
    if not systems and next(_findings(scope), None) is None:
        return
    yield Part(
        "findings",
        _("Differences in the books"),
        _(
            "What the last comparison saw and is not over; one that was acknowledged may stand, for the reason given. "
            "A number whose document is gone from the project's own tables is told here too."
        ),
        FindingRow,
        lambda: _findings(scope),
        grouped=False,
    )
    if not systems:
        return
    yield Part(
        "confirmed",
        _("Confirmed by the books"),
        _("Numbers that the system knows as the ledger does: posted there and valid here, or void on both sides."),
        ConfirmedRow,
        lambda: _confirmed(scope, systems),
        grouped=False,
    )


def _findings(scope: Scope) -> Iterator[FindingRow]:
    by_id = {scoped.period.pk: scoped for scoped in scope.periods}
    kinds = dict(FindingKind.choices)
    for period, kind, number, document, system, found_at, facts, reason, actor, at in scope.snapshot.rows(
        sql.FINDINGS, scope.wanted
    ):
        scoped = by_id.get(period)
        known = readable(facts)
        yield FindingRow(
            series=scoped.summary.series if scoped is not None else "",
            period=scoped.summary.period if scoped is not None else "",
            number=number,
            system=system,
            finding=kinds.get(kind, kind),
            document=document,
            there=told_there(known),
            facts=known,
            found_at=found_at.astimezone(scope.zone),
            reason=reason or "",
            acknowledged_by=actor or "",
            acknowledged_at=at.astimezone(scope.zone) if at is not None else None,
        )


def _confirmed(scope: Scope, systems: Mapping[str, datetime | None]) -> Iterator[ConfirmedRow]:
    rows = scope.snapshot.rows(sql.CONFIRMED, scope.wanted)
    counts = {(period, system): count for period, system, count in rows}
    for scoped in scope.periods:
        for system, compared_at in sorted(systems.items()):
            if scoped.row.issued:
                yield ConfirmedRow(
                    series=scoped.summary.series,
                    period=scoped.summary.period,
                    system=system,
                    confirmed=counts.get((scoped.period.pk, system), 0),
                    used=scoped.row.issued,
                    compared_at=scope.local(compared_at),
                )
