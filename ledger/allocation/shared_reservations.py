"""Threads of one process that reserve from one counter at the same time share one transaction.

While a few threads reserve, others that need the same counter line up. When one has finished, the first in line
reserves for all that wait: one round trip, one commit and one flush instead of many. A thread that finds no line
reserves alone.
"""

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

#: How many seconds a thread waits for another one at most: as long as a reservation waits for its counter.
_PATIENCE = 5.0

#: How many threads reserve from a counter at the same time before others line up: one holds the counter while the
#: commits of the others wait for the disk.
_AT_ONCE = 3

#: Rows of ``ledger_reserve``, with its columns as attributes.
Rows = list[Any]


class _Call:
    """One thread's call: its arguments, the rows that another thread got for it, and the crew it reserves for."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.arguments = arguments
        self.rows: Rows | None = None
        self.crew: list[_Call] = []
        self.turn = threading.Event()


class _Line:
    """At one counter: how many threads are reserving, and the calls that wait for one of them."""

    def __init__(self) -> None:
        self.reserving = 0
        self.waiting: list[_Call] = []


_lock = threading.Lock()
_lines: dict[Hashable, _Line] = {}


def reserve(
    counter: Hashable,
    arguments: Sequence[Any],
    alone: Callable[[], Rows],
    together: Callable[[Sequence[Sequence[Any]]], Rows],
) -> Rows:
    """The rows of ``alone()``, or those that a call of ``together`` returned for this call.

    ``together`` takes the arguments of several calls, and answers as ``ledger_reserve`` does for a list of documents. A
    call that gets no row from it asks alone. If it fails, or its thread ends, every call asks alone: so each error
    reaches the call that caused it, and no call waits for ever. The next sweep flags what was then reserved in vain.
    """
    mine = _Call(arguments)
    with _lock:
        line = _lines.setdefault(counter, _Line())
        if line.reserving < _AT_ONCE:
            line.reserving += 1
            mine.crew = [mine]
        else:
            line.waiting.append(mine)
    try:
        if not mine.crew:
            mine.turn.wait(_PATIENCE)
        if len(mine.crew) == 1:
            return alone()
        if mine.crew:
            with suppress(Exception):
                for row in together([call.arguments for call in mine.crew]):
                    if row.place is not None:
                        mine.crew[row.place - 1].rows = [row._replace(place=1)]
    finally:
        _hand_over(counter, mine)
    return alone() if mine.rows is None else mine.rows


def _hand_over(counter: Hashable, mine: _Call) -> None:
    """Wake the calls that were reserved for, and the first in line, which reserves for all that have come since."""
    with _lock:
        line = _lines.get(counter, _Line())
        if mine in line.waiting:
            line.waiting.remove(mine)  # it gave up waiting
        if not mine.crew:
            return
        woken = [*mine.crew, *line.waiting[:1]]
        if line.waiting:
            line.waiting[0].crew, line.waiting = line.waiting, []
        else:
            line.reserving -= 1
            if not line.reserving:
                del _lines[counter]
        for call in woken:
            call.turn.set()


def _start_afresh() -> None:
    """After a fork the threads that would hand over are not in the child."""
    global _lock
    _lock = threading.Lock()
    _lines.clear()


os.register_at_fork(after_in_child=_start_afresh)
