"""Threads of one process that reserve from one counter at the same moment share one transaction.

While a thread reserves, others that come for the same counter line up. Then the first of them reserves for all: one
round trip, one commit and one flush instead of many. Who finds nobody there reserves as ever.
"""

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

#: Seconds that a thread waits for another one at most: as long as a reservation waits for its counter.
_PATIENCE = 5.0

Rows = list[tuple[Any, ...]]


class _Call:
    """One thread's call: what it asks for, what another thread reserved for it, and those that it reserves for."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.arguments = arguments
        self.rows: Rows | None = None
        self.crew: list[_Call] = []
        self.turn = threading.Event()


_lock = threading.Lock()

#: Of each counter that a thread reserves from just now, the calls that wait for it.
_lines: dict[Hashable, list[_Call]] = {}


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
        if counter in _lines:
            _lines[counter].append(mine)
        else:
            _lines[counter], mine.crew = [], [mine]
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
        line = _lines.get(counter, [])
        if mine in line:
            line.remove(mine)  # it waits no longer
        if not mine.crew:
            return
        if line:
            _lines[counter], line[0].crew = [], line
        else:
            del _lines[counter]
        for call in (*mine.crew, *line[:1]):
            call.turn.set()


def _start_afresh() -> None:
    """After a fork the threads that would hand over are not in the child."""
    global _lock
    _lock = threading.Lock()
    _lines.clear()


os.register_at_fork(after_in_child=_start_afresh)
