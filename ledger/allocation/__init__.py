"""How a series takes its next value: one file for each allocation, all with the contract ``interface.Allocator``.

A call knows the name of its series, not its allocation. It asks the function of the allocation that the series had last
time, which refuses a series with another one: so one round trip is enough, and a change is noticed at once.
"""

from importlib import import_module
from typing import cast

from ledger import refusals
from ledger.allocation.interface import Allocator, Request
from ledger.models import Allocation, Series

#: Each module has the name of its allocation.
ALLOCATORS: dict[str, Allocator] = {
    name: cast(Allocator, import_module(f"{__name__}.{name}")) for name in Allocation.values
}

#: The last allocation of each series, by database, tenant and code. Only a hint: the database decides.
_expected: dict[tuple[str, str, str], Allocator] = {}

#: How many series are remembered before the memory is emptied.
_MEMORY = 100_000


def allocator_of(series: Series) -> Allocator:
    """The module of the series' allocation; raises UnsupportedAllocation if it is of a later version."""
    found = ALLOCATORS.get(series.allocation)
    if found is None:
        raise refusals.unsupported(series)
    return found


def expected_allocator(alias: str, request: Request) -> Allocator:
    """The module to ask first: the last one, else ``serial``."""
    return _expected.get((alias, request.tenant, request.series), ALLOCATORS[Allocation.SERIAL])


def expect_allocator(alias: str, request: Request, allocator: Allocator) -> None:
    """Remember the module for the series of ``request``."""
    if len(_expected) >= _MEMORY:
        _expected.clear()
    _expected[(alias, request.tenant, request.series)] = allocator
