"""PostgreSQL's errors, told in the ledger's words."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.db import Error

from ledger.errors import (
    DeadlockDetected,
    LedgerError,
    LockTimeout,
    NotGranted,
    NotMigrated,
    NumberTaken,
    SerializationFailure,
)

#: undefined_function, undefined_table, undefined_column.
_MISSING = frozenset({"42883", "42P01", "42703"})


#: insufficient_privilege.
_DENIED = "42501"


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


def retry(cause: BaseException | None, whose: str) -> LedgerError | None:
    """The ConcurrencyError for an error of the driver, or None if it is of another kind; ``whose`` counter it was."""
    state = getattr(cause, "sqlstate", None)
    if state == "40P01":
        return DeadlockDetected(
            f"PostgreSQL ended this transaction at the counter {whose}: another held it and waited for ours.",
            rule="Transactions that number several series must take them in one order.",
            remedy="Run the whole transaction again, and issue from the series in alphabetical order everywhere.",
        )
    if state == "55P03":
        return LockTimeout(
            f"The counter {whose} is held by another checkout, and lock_timeout ran out.",
            rule="A serial counter stays locked until the checkout that took a number commits.",
            remedy="Run the whole transaction again, raise lock_timeout, or issue later in the transaction.",
        )
    if state == "40001":
        return SerializationFailure(
            f"The counter {whose} changed since this transaction began.",
            rule="Under REPEATABLE READ and SERIALIZABLE, PostgreSQL refuses to number past a concurrent checkout.",
            remedy="Run the whole transaction again, or use READ COMMITTED, which needs no retries.",
        )
    diagnosis: Any = getattr(cause, "diag", None)
    if state == "23505" and diagnosis.constraint_name == "ledger_entry_document":
        return SerializationFailure(
            f"A document {whose} got its number on another connection meanwhile. {diagnosis.message_detail}",
            rule="One document has one number.",
            remedy="Run the whole transaction again: it finds that number.",
        )
    return None


def not_granted(error: Error, wanted: str) -> NotGranted | None:
    """The NotGranted for an error that says so; ``wanted`` completes "may not do what …"."""
    cause: Any = error.__cause__
    if getattr(cause, "sqlstate", None) != _DENIED:
        return None
    return NotGranted(
        f"The role of this connection may not do what {wanted}: {cause.diag.message_primary}.",
        rule="A role needs grants to issue and look after numbers, and those of an administrator to change a series.",
        remedy="manage.py ledger_grants --role NAME prints what a checkout needs, and --admin an administrator.",
    )


def _ours(error: Error, series: str) -> LedgerError | None:
    cause = error.__cause__
    again = retry(cause, f"of series {series!r}")
    if again is not None:
        return again
    diagnosis: Any = getattr(cause, "diag", None)
    denied = not_granted(error, f"series {series!r} needs")
    if denied is not None:
        return denied
    if getattr(cause, "sqlstate", None) in _MISSING and "ledger_" in (diagnosis.message_primary or ""):
        return NotMigrated(
            f"The database has not what series {series!r} needs: {diagnosis.message_primary}.",
            rule="Folio's tables and functions come from its migrations, and must be on the connection's search_path.",
            remedy="Run manage.py migrate on that database; with several, look at using= and at DATABASE_ROUTERS.",
        )
    if diagnosis is not None and diagnosis.constraint_name == "ledger_entry_number":
        return NumberTaken(
            f"Series {series!r} would repeat a number of the same tenant. {diagnosis.message_detail or ''}",
            rule="A tenant's numbers are unique over all its series, without regard to case.",
            remedy="Let the series go past it: ledger.gaps.skip_taken(), or manage.py ledger_gaps skip. A prefix of "
            "its own, in the template, holds from the next period on.",
        )
    return None
