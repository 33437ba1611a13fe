"""Making a document once, in systems that have no key for it: look, make, and look again if the answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workers.accounting.base import RemoteInvoice, State
from workers.accounting.errors import AnswerLost

_GONE = {State.VOID, State.DELETED}


def live_first(found: Sequence[RemoteInvoice]) -> RemoteInvoice | None:
    """The document among ``found`` that is in force, the first that was made; else any, else None."""
    return min(found, key=lambda each: (each.state in _GONE, len(each.remote_id), each.remote_id), default=None)


def make_once(find: Callable[[], Sequence[RemoteInvoice]], make: Callable[[], RemoteInvoice]) -> RemoteInvoice:
    """What ``find`` knows already, else what ``make`` makes.

    A lost answer is looked up once. If the document isn't there, AnswerLost goes on to the caller: the system may still
    be at work on it, and a later call, which looks first, is what is safe.

    This holds against lost answers, not against two callers at once: only one may push a document at a time.
    """
    there = live_first(find())
    if there is not None:
        return there
    try:
        return make()
    except AnswerLost:
        there = live_first(find())
        if there is None:
            raise
        return there
