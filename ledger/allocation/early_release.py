"""Early release: COMMIT gives up the counter before it is on disk, and the caller waits for the disk afterwards.

Strict order needs a lock, and COMMIT keeps it while it waits for the disk. So a counter gives out one number for each
flush of the disk. But the wait needs no lock: the next checkout writes its WAL after this one's, and WAL becomes
durable in order. So COMMIT doesn't wait; a tiny second transaction does, together with those of other checkouts. One
message in place of COMMIT sends both (``sql.RELEASE_EARLY``).

This is done if a series' ``early_release`` is on and Django commits. A COMMIT that bypasses Django is an ordinary one.
"""

from collections.abc import Generator
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import debug_transaction
from psycopg import generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from ledger import sql
from ledger.allocation.connection_hooks import in_place_of
from ledger.allocation.second_connection import in_test_case
from ledger.errors import CommitInDoubt

#: The position of COMMIT among the statements of ``sql.RELEASE_EARLY``.
_COMMIT = 1

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class _NumberTaken:
    """One of Django's callbacks of a commit, so that Django drops it when a savepoint is rolled back."""

    def __init__(self, transaction: int) -> None:
        self.transaction = transaction

    def __call__(self) -> None:
        """The commit is over."""


def release_early(connection: BaseDatabaseWrapper, transaction: int) -> None:
    """Let the COMMIT of this transaction, which has taken a number, give up the counter before it is durable."""
    if in_test_case(connection):
        return  # it never commits, and a test may count the callbacks
    savepoints = set(connection.savepoint_ids)
    for known, taken, *_ in connection.run_on_commit:
        if isinstance(taken, _NumberTaken) and taken.transaction == transaction and known <= savepoints:
            return
    # As Django's on_commit() appends it, which its types describe only in part.
    callback: Any = (savepoints, _NumberTaken(transaction), False)
    connection.run_on_commit.append(callback)
    in_place_of(connection, "_commit", _commit)


def _commit(connection: BaseDatabaseWrapper) -> bool:
    """Commit and wait, if a number was taken and not rolled back; False if COMMIT is to be an ordinary one."""
    driver: Any = connection.connection
    taken = [call.transaction for _, call, *_ in connection.run_on_commit if isinstance(call, _NumberTaken)]
    if not taken or driver is None or driver.info.transaction_status != TransactionStatus.INTRANS:
        return False
    with debug_transaction(connection, "COMMIT"), connection.wrap_database_errors:
        answers, error = _send(driver, sql.RELEASE_EARLY % taken[-1])
        if error is None:
            return True
        if len(answers) <= _COMMIT or answers[_COMMIT].command_status != b"COMMIT":
            raise error
    # The callbacks are for the retry, which finds the number. Django would reconnect before it raises the error, and
    # that fails if the server is down.
    connection.close()
    connection.closed_in_transaction = True
    raise CommitInDoubt(
        f"The transaction was committed, and the database {connection.alias!r} failed before it was durable: {error}",
        rule="With early_release a number counts once it is on disk, which is a moment after others can see it.",
        remedy="Run the whole transaction again with the same documents: those that were kept have their numbers.",
    ) from error


def _send(driver: psycopg.Connection[Any], statements: str) -> tuple[list[Any], psycopg.Error | None]:
    """The answers to several statements in one message, and the error that ended them: psycopg returns only one."""
    answers: list[Any] = []

    def all_of_them() -> Generator[Any, Any, None]:
        yield from generators.send(driver.pgconn)
        while (answer := (yield from generators.fetch(driver.pgconn))) is not None:
            answers.append(answer)

    with driver.lock:
        try:
            driver.pgconn.send_query(statements.encode())
            driver.wait(all_of_them())
        except psycopg.Error as error:
            return answers, error
    bad = next((answer for answer in answers if answer.status not in _GOOD), None)
    return answers, None if bad is None else error_from_result(bad, encoding=driver.info.encoding)
