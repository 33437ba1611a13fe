"""How a series takes its next value: one file for each allocation, all of one shape.

Each module has ``take(connection, request)`` for one number, ``take_many(connection, request, documents)`` for a block,
and ``upcoming(alias, period)`` for what would come next. The first two answer with what the database decided; opening
periods and explaining refusals is the business of ``ledger.issuing``.

A call knows the name of its series, not its allocation. It asks the function of the allocation that the series had last
time, and that function refuses what is not its own: so one round trip is enough, and a change is noticed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from ledger import refusals
from ledger.allocation import at_commit, pooled, remote, reserved, serial
from ledger.allocation.interface import Answer, BlockAnswer, Request
from ledger.models import Allocation, Period, Series

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Allocator(Protocol):
    """What the module of an allocation has."""

    def take(self, connection: BaseDatabaseWrapper, request: Request) -> Answer:
        """A number for one document."""
        ...

    def take_many(self, connection: BaseDatabaseWrapper, request: Request, documents: Sequence[str]) -> BlockAnswer:
        """Numbers for those of ``documents``, all different, that have none yet."""
        ...

    def upcoming(self, alias: str, period: Period) -> int:
        """The value that would come next."""
        ...


ALLOCATORS: dict[str, Allocator] = {
    Allocation.SERIAL: cast(Allocator, serial),
    Allocation.AT_COMMIT: cast(Allocator, at_commit),
    Allocation.POOLED: cast(Allocator, pooled),
    Allocation.RESERVED: cast(Allocator, reserved),
    Allocation.REMOTE: cast(Allocator, remote),
}

#: What the series of a database, by tenant and code, had last time. Only a hint: the database decides.
_expected: dict[tuple[str, str, str], Allocator] = {}

#: So many series are remembered before the memory starts afresh.
_MEMORY = 100_000


def allocator_of(series: Series) -> Allocator:
    """The module of the series' allocation; raises UnsupportedAllocation for one of a later version."""
    found = ALLOCATORS.get(series.allocation)
    if found is None:
        raise refusals.unsupported(series)
    return found


def expected_allocator(alias: str, request: Request) -> Allocator:
    """The module to ask first: that of last time, else ``serial``."""
    return _expected.get((alias, request.tenant, request.series), ALLOCATORS[Allocation.SERIAL])


def expect_allocator(alias: str, request: Request, allocator: Allocator) -> None:
    """Remember which module the series of ``request`` is for."""
    if len(_expected) >= _MEMORY:
        _expected.clear()
    _expected[(alias, request.tenant, request.series)] = allocator
