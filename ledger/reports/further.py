"""What other rooms of the ledger add to the continuity report. Each adds itself here when its app is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING

from ledger.reports.rows import GapRow, Part

if TYPE_CHECKING:
    from ledger.reports.scope import Scope, ScopedPeriod

#: Each is called with what a report is of, and gives the parts that follow those of this package: findings of
#: reconciliation that are open, numbers confirmed remotely. Its rows must come from ``scope.snapshot``, or the parts
#: would not agree.
PARTS: list[Callable[[Scope], Iterable[Part]]] = []

#: Each is asked by which day a gap is to be declared to an authority; the first one to name a day is believed. While
#: there is none, gaps have no such column.
DECLARATIONS: list[Callable[[ScopedPeriod, GapRow], date | None]] = []


def further_parts(scope: Scope) -> list[Part]:
    """All parts that others add."""
    return [part for make in PARTS for part in make(scope)]


def declaration_due(period: ScopedPeriod, gap: GapRow) -> date | None:
    """By which day a gap is to be declared, or None."""
    return next((due for ask in DECLARATIONS if (due := ask(period, gap)) is not None), None)
