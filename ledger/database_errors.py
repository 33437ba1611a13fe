"""PostgreSQL's errors, told in the ledger's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error

from ledger.errors import (
    DeadlockDetected,
    DocumentConflict,
    LedgerError,
    LockTimeout,
    NumberTaken,
    SerializationFailure,
)


@contextmanager
def told_in_our_words(series: str) -> Iterator[None]:
    """Turn a database error that a caller can act upon into one of ours; others pass through unchanged."""
    try:
        yield
    except Error as error:
        ours = _ours(error, series)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Error, series: str) -> LedgerError | None:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state == "40P01":
        return DeadlockDetected(
            f"PostgreSQL ended this transaction at series {series!r}: another held its counter and waited for ours.",
            rule="Transactions that number several series must take them in one order.",
            remedy="Run the whole transaction again, and issue from the series in alphabetical order everywhere.",
        )
    if state == "55P03":
        return LockTimeout(
            f"The counter of series {series!r} is held by another checkout, and lock_timeout ran out.",
            rule="A serial counter stays locked until the checkout that took a number commits.",
            remedy="Run the whole transaction again, raise lock_timeout, or issue later in the transaction.",
        )
    if state == "40001":
        return SerializationFailure(
            f"The counter of series {series!r} changed since this transaction began.",
            rule="Under REPEATABLE READ and SERIALIZABLE, PostgreSQL refuses to number past a concurrent checkout.",
            remedy="Run the whole transaction again, or use READ COMMITTED, which needs no retries.",
        )
    if state == "23505":
        diagnosis = getattr(cause, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None)
        detail = getattr(diagnosis, "message_detail", None) or ""
        if constraint == "ledger_entry_number":
            return NumberTaken(
                f"Series {series!r} would repeat a number of the same tenant. {detail}",
                rule="A tenant's numbers are unique over all its series, without regard to case.",
                remedy="Give the series a prefix of its own: its template holds for the next period.",
            )
        if constraint == "ledger_entry_document":
            return DocumentConflict(
                f"A document of series {series!r} got its number on another connection, in another period. {detail}",
                rule="One document has one number.",
                remedy="Issue again in a new transaction, without the documents that are numbered.",
            )
    return None
