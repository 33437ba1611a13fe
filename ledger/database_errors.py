"""PostgreSQL's errors, told in the ledger's words."""

from __future__ import annotations

from types import TracebackType

from django.db import Error

from ledger.errors import (
    DeadlockDetected,
    DocumentConflict,
    LedgerError,
    LockTimeout,
    NumberTaken,
    SerializationFailure,
)


class told_in_our_words:  # noqa: N801  (reads as a statement: with told_in_our_words(series): …)
    """Turn a database error that a caller can act upon into one of ours; others pass through unchanged.

    A class, since it is passed for every number, and a generator costs five times as much.
    """

    __slots__ = ("series",)

    def __init__(self, series: str) -> None:
        self.series = series

    def __enter__(self) -> None:
        """Nothing has to be prepared."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Error) and not isinstance(error, LedgerError):
            ours = _ours(error, self.series)
            if ours is not None:
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
