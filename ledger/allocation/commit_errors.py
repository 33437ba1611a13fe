"""What goes wrong while COMMIT numbers tickets, as errors of ``ledger.errors``.

COMMIT is Django's to call, so there is no place around it for a ``with`` of ours. Django turns the driver's errors into
its own by an object that each connection has; the connection that has left a ticket gets one that knows ours too.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseErrorWrapper

from ledger.database_errors import constraint_of, retry
from ledger.errors import (
    CommitRefused,
    DocumentConflict,
    DocumentVoided,
    InactiveSeries,
    LedgerError,
    NumberTaken,
    OutOfOrder,
    PeriodClosed,
    PeriodExhausted,
    RangesExhausted,
)

_NAME = "wrap_database_errors"
_CONSTRAINT = "ledger_ticket_"
_REFUSAL = "the commit was refused, since period "


class _ClosedAtCommit(CommitRefused, PeriodClosed):
    """Also what ``issue`` raises for a closed period."""


class _OutOfOrderAtCommit(CommitRefused, OutOfOrder):
    """Also what ``issue`` raises for an earlier date."""


class _ExhaustedAtCommit(CommitRefused, PeriodExhausted):
    """Also what ``issue`` raises for a number that is too long."""


class _RangesExhaustedAtCommit(CommitRefused, RangesExhausted):
    """Also what ``issue`` raises where authorised ranges are used up."""


class _InactiveAtCommit(CommitRefused, InactiveSeries):
    """Also what ``issue`` raises for a series that was switched off."""


class _ConflictAtCommit(CommitRefused, DocumentConflict):
    """Also what ``issue`` raises for other facts."""


class _VoidedAtCommit(CommitRefused, DocumentVoided):
    """Also what ``issue`` raises for a document whose number is void."""


class _TakenAtCommit(CommitRefused, NumberTaken):
    """Also what ``issue`` raises for a number that another series gave out."""


_KINDS: dict[str, type[CommitRefused]] = {
    "closed": _ClosedAtCommit,
    "out_of_order": _OutOfOrderAtCommit,
    "exhausted": _ExhaustedAtCommit,
    "ranges": _RangesExhaustedAtCommit,
    "inactive": _InactiveAtCommit,
    "other_facts": _ConflictAtCommit,
    "voided": _VoidedAtCommit,
}

_REASONS = {
    "closed": ("the period was closed", "Nothing is appended to a closed period.", "Date it in an open one."),
    "out_of_order": (
        "a later date has been issued",
        "With the chronology guard on, dates never decrease within a period.",
        "Leave on= out, and the date is that of the commit; or date it later.",
    ),
    "exhausted": (
        "the next number would be too long",
        "Each number keeps the series' length limit.",
        "Issue from a series with a shorter prefix.",
    ),
    "ranges": (
        "no authorised range has a value left for that date; the last one is {range}",
        "A series with authorised ranges gives out their numbers and no others, while they are valid.",
        "Add the next range that the authority grants: manage.py ledger_ranges add.",
    ),
    "inactive": ("the series was switched off", "An inactive series gives out no numbers.", "Switch it on again."),
    "other_facts": (
        "the document has got a number with another date or other metadata meanwhile",
        "One document has one number, and its facts never change.",
        "Leave the differing argument out to get that number.",
    ),
    "voided": (
        "the document has got a number meanwhile that is void already",
        "A document has at most one number that isn't void, and gets another one only when that is asked for.",
        "To give it a new one, pass the void number as replaces=.",
    ),
}


def explain_commit_errors(connection: BaseDatabaseWrapper) -> None:
    """Have this connection tell of refused tickets by CommitRefused, and of lost races by ConcurrencyError."""
    if not isinstance(connection.wrap_database_errors, _CommitErrors):
        connection.__dict__[_NAME] = _CommitErrors(connection)


class _CommitErrors(DatabaseErrorWrapper):
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and (ours := _ours(error)) is not None:
            raise ours.with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


def _ours(error: BaseException) -> LedgerError | None:
    diagnosis: Any = getattr(error, "diag", None)
    if diagnosis is None:
        return None
    constraint = constraint_of(diagnosis)
    if constraint.startswith(_CONSTRAINT) or (diagnosis.message_primary or "").startswith(_REFUSAL):
        facts = json.loads(diagnosis.message_detail)
        return _refused(facts["reason"], facts)
    # Through a coordinator of Citus nothing but the words of an error comes from the node.
    if "ledger_number_tickets" in (diagnosis.context or "") or diagnosis.sqlstate == "XX000":
        if constraint == "ledger_entry_number":
            return _TakenAtCommit(
                "A ticket got no number at COMMIT: it would repeat a number of the same tenant. "
                f"{diagnosis.message_detail or ''}",
                rule="A tenant's numbers are unique over all its series, without regard to case.",
                remedy="Nothing was written. Give the series a prefix of its own, which holds for the next period.",
            )
        return retry(error, "of a ticket, numbered at COMMIT,")
    return None


def _refused(reason: str, facts: dict[str, Any]) -> CommitRefused:
    if reason == "exhausted" and facts["range"]:
        reason = "ranges"
    why, rule, remedy = _REASONS.get(
        reason, (f"its period gives out no number ({reason})", "A number needs an open period.", "Look at the series.")
    )
    subject = f"Document {facts['document']!r}" if facts["document"] else "A ticket"
    return _KINDS.get(reason, CommitRefused)(
        f"{subject} of tenant {facts['tenant']!r}, series {facts['series']!r}, dated {facts['on']}, "
        f"got no number at COMMIT: {why.format(**facts)}.",
        rule=rule,
        remedy=f"Nothing was written, and the transaction was rolled back. {remedy} Then run it again.",
    )
