"""Doing the same to many rows: all or none, and only once if two calls do it at the same time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connections, transaction

from ledger.cursors import fetch_value
from ledger.durability import flush_at_commit
from ledger.errors import LedgerError
from ledger.sql import SET_LOCK_TIMEOUT

_LOCK_NOT_AVAILABLE = "55P03"

# The lock_timeout so far, and then two seconds; a lock on a text, until the transaction ends.
_BE_PATIENT = "SELECT current_setting('lock_timeout') AS patience, set_config('lock_timeout', '2s', true)"
_LOCK_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('ledger.actions:' || %s, 0))"


@dataclass(slots=True)
class Done:
    """The ``events`` of all rows in their order; if any was refused, none, and the ``failures`` as ``name: why``."""

    events: list[Any] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def written(self) -> int:
        """How many events are new; the others existed before."""
        return sum(not getattr(event, "repeated", False) for event in self.events)


def all_or_none(chosen: Iterable[Any], act: Callable[[Any], Any], alias: str, *, turn: str) -> Done:
    """Call ``act`` on each in one transaction, and return the results; after a refusal nothing is done at all.

    Of two calls at the same time with the same ``turn``, such as a double click, the second waits for the first, and
    then finds that everything is done.
    """
    done = Done()
    with transaction.atomic(using=alias):
        _take_turn(alias, turn)
        for one in chosen:
            try:
                with transaction.atomic(using=alias):
                    done.events.append(act(one))
            except LedgerError as error:
                done.failures.append(f"{one}: {error}")
        if done.failures:
            done.events.clear()
            transaction.set_rollback(True, using=alias)
        else:
            # Events that existed before are reported too, so they must be durable.
            flush_at_commit(connections[alias])
    return done


def _take_turn(alias: str, turn: str) -> None:
    """Wait for a call that does the same right now.

    This is only a courtesy: any role can hold such a lock, so nobody waits for it longer than two seconds.
    """
    try:
        with transaction.atomic(using=alias):
            patience = fetch_value(alias, _BE_PATIENT)
            fetch_value(alias, _LOCK_TURN, [turn])
            fetch_value(alias, SET_LOCK_TIMEOUT, [patience])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
