"""Threads of one process that reserve from one counter at the same moment share one transaction.

While a few threads reserve, others that come for the same counter line up. When one has finished, the first in line
reserves for all who wait: one round trip, one commit and one flush instead of many. Who need not wait reserves as ever.
"""

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

#: Seconds that a thread waits for another one at most: as long as a reservation waits for its counter.
_PATIENCE = 5.0

#: So many threads reserve from a counter at the same time before others line up: one has the counter while the commits
#: of the others wait for the disk.
_AT_ONCE = 3

Rows = list[tuple[Any, ...]]


class _Call:
    """One thread's call: what it asks for, what another thread reserved for it, and those that it reserves for."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.arguments = arguments
        self.rows: Rows | None = None
        self.crew: list[_Call] = []
        self.turn = threading.Event()


class _Line:
    """At one counter: how many threads reserve just now, and the calls that wait for one of them."""

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
    """The rows of ``alone()``, or those that ``together`` gave for this call when a thread asked for several.

    ``together`` takes the arguments of all calls, and answers as ``ledger_reserve`` does for a list of documents. What
    it gives nothing is asked alone, as all are where it fails or the thread that called it ends: so an error reaches
    the one whose it is, and none waits for ever. What was committed for nobody then is left as by a checkout that died.
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
                for outcome, place, *reservation in together([call.arguments for call in mine.crew]):
                    if place is not None:
                        mine.crew[place - 1].rows = [(outcome, 1, *reservation)]
    finally:
        _hand_over(counter, mine)
    return alone() if mine.rows is None else mine.rows


def _hand_over(counter: Hashable, mine: _Call) -> None:
    """Wake those that were reserved for, and the first of those that came meanwhile, who reserves for these."""
    with _lock:
        line = _lines.get(counter, _Line())
        if mine in line.waiting:
            line.waiting.remove(mine)  # it waits no longer
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
