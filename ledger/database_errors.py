"""PostgreSQL's errors as those of ``ledger.errors``: of a statement, and of COMMIT, which numbers tickets."""

import json
import re
from types import TracebackType
from typing import Any

from django.db import Error, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DatabaseErrorWrapper

from ledger import errors, refusals
from ledger.errors import CommitRefused, LedgerError
from ledger.grants import purposes
from ledger.homes import moved
from ledger.sql.installing import function_texts

#: undefined_function, undefined_table, undefined_column; invalid_parameter_value; insufficient_privilege.
_MISSING, _BAD_VALUE, _DENIED = frozenset({"42883", "42P01", "42703"}), "22023", "42501"
_READ_ONLY, _BINDING = "25006", "ledger_tenantbinding"

#: The function or table of the ledger that an error names, in whatever language.
_OURS = re.compile(r"\bledger_\w+")
_BROKEN = re.compile(r'constraint "(ledger_\w+)"')
_MOVED = " is not at home here: "
_SHARD = re.compile(r"_\d{6,}$")


class translate_database_errors:  # noqa: N801  (reads as a statement: with translate_database_errors(series): …)
    """Turn a database error that a caller can act upon into one of ours; others pass through unchanged.

    A class, since it runs for every number, and a generator costs five times as much.
    """

    __slots__ = ("series", "wanted")

    def __init__(self, series: str, *, wanted: str | None = None) -> None:
        self.series = series
        self.wanted = wanted

    def __enter__(self) -> None:
        """Nothing has to be prepared."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Error) and not isinstance(error, LedgerError):
            ours = _ours(error, self.series, self.wanted or f"series {self.series!r} needs")
            if ours is not None:
                raise ours from error


def constraint_of(diagnosis: Any) -> str:
    """The name of the broken constraint, or "". Citus adds a shard's number, or has the name in the message alone."""
    if diagnosis is None:
        return ""
    named = _BROKEN.search(diagnosis.message_primary or "")
    name: str = diagnosis.constraint_name or (named[1] if named else "")
    return _SHARD.sub("", name)


def retry(cause: BaseException | None, whose: str) -> LedgerError | None:
    """The ConcurrencyError for an error of the driver, or None if it is another kind; ``whose`` names the counter."""
    state = getattr(cause, "sqlstate", None)
    if state == "40P01":
        return errors.DeadlockDetected(
            f"PostgreSQL ended this transaction at the counter {whose}: another held it and waited for ours.",
            rule="Transactions that number several series must take them in one order.",
            remedy="Run the whole transaction again, and issue from the series in alphabetical order everywhere.",
        )
    if state == "55P03":
        return errors.LockTimeout(
            f"The counter {whose} is held by another checkout, and lock_timeout ran out.",
            rule="A serial counter stays locked until the checkout that took a number commits.",
            remedy="Run the whole transaction again, raise lock_timeout, or issue later in the transaction.",
        )
    if state == "40001":
        return errors.SerializationFailure(
            f"The counter {whose} changed since this transaction began.",
            rule="Under REPEATABLE READ and SERIALIZABLE, PostgreSQL refuses to number past a concurrent checkout.",
            remedy="Run the whole transaction again, or use READ COMMITTED, which needs no retries.",
        )
    diagnosis: Any = getattr(cause, "diag", None)
    broken = constraint_of(diagnosis)
    if broken == "ledger_tenant_moves" or _MOVED in (getattr(diagnosis, "message_primary", None) or ""):
        return moved(**json.loads(diagnosis.message_detail))
    if broken == "ledger_entry_document":
        return errors.SerializationFailure(
            f"A document {whose} got its number on another connection meanwhile. {diagnosis.message_detail}",
            rule="One document has one number.",
            remedy="Run the whole transaction again: it finds that number.",
        )
    return None


def not_granted(error: Error, wanted: str) -> errors.NotGranted | None:
    """The NotGranted for an error of that kind, or None; ``wanted`` completes "may not do what …"."""
    cause: Any = error.__cause__
    if getattr(cause, "sqlstate", None) != _DENIED:
        return None
    said: str = cause.diag.message_primary
    problem = f"The role of this connection may not do what {wanted}: {said}."
    if _BINDING in (cause.diag.message_hint or ""):
        return errors.NotGranted(problem, rule=refusals.BOUND_RULE, remedy=refusals.BOUND_REMEDY)
    found = _OURS.search(said)
    if found is None:
        return errors.NotGranted(
            problem,
            rule="ledger_grants gives rights to what is Folio's, and to nothing else in the database.",
            remedy="As the owner of what is named there, such as a table of yours: GRANT SELECT ON … TO ….",
        )
    rule, purpose = _purposes(found[0])
    if not purpose:
        instead = "Call what ledger offers in its place: its functions write it."
        return errors.NotGranted(problem, rule=rule, remedy=instead)
    return errors.NotGranted(
        problem,
        rule=rule,
        remedy=f"As the ledger's owner: manage.py ledger_grants --role NAME --purpose {purpose} --apply, "
        "naming each purpose that the role has as well.",
    )


def concerns_all(error: Error) -> bool:
    """Whether other work of the same kind would fail too: the role lacks a purpose, or the database takes no writes.

    A role that is bound to tenants may do it for others, and one that may not read a table of the host, another table.
    """
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state == _DENIED:
        return _BINDING not in (cause.diag.message_hint or "") and bool(_OURS.search(cause.diag.message_primary))
    return state == _READ_ONLY


def plain(error: Error) -> str:
    """PostgreSQL's words on one line, without the statement that failed."""
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    return (diagnosis and diagnosis.message_primary) or " ".join(str(error).split())


def explanation(error: Error, wanted: str) -> str | None:
    """What a person can do about the error, whatever the program asked; None if only the program can be at fault.

    ``wanted`` completes "the database doesn't have what …", such as "the command needs".
    """
    if (denied := not_granted(error, wanted)) is not None:
        return str(denied)
    if getattr(error.__cause__, "sqlstate", None) == _READ_ONLY:
        return (
            f"The database takes no writes: {plain(error)}. A standby refuses them, and so does a session with "
            "default_transaction_read_only. Use the primary server."
        )
    if getattr(error.__cause__, "sqlstate", None) in _MISSING:
        return f"The database doesn't have what {wanted}: {plain(error)}. Run manage.py migrate on it."
    if isinstance(error, OperationalError | InterfaceError):
        return f"The database could not be asked: {plain(error)}"
    return None


def _purposes(name: str) -> tuple[str, str]:
    """A sentence that says to which purposes a function or table belongs, and one of them, or an empty text."""
    called, writing, reading = purposes.calling(name), purposes.writing(name), purposes.reading(name)
    if called:
        return f"To call {name} is part of {_either(called)}.", called[0]
    if name in function_texts():
        return f"Nobody calls {name} but the ledger's own functions.", ""
    if writing:
        return f"To write {name} is part of {_either(writing)}; to read it, of {_either(reading)}.", writing[0]
    return f"To read {name} is part of {_either(reading)}; nobody writes it but the ledger's own functions.", reading[0]


def _either(names: list[str]) -> str:
    *others, last = names
    return f"the purposes {', '.join(others)} and {last}" if others else f"the purpose {last}"


def _ours(error: Error, series: str, wanted: str) -> LedgerError | None:
    cause = error.__cause__
    if (ours := retry(cause, f"of series {series!r}") or not_granted(error, wanted)) is not None:
        return ours
    diagnosis: Any = getattr(cause, "diag", None)
    if getattr(cause, "sqlstate", None) == _BAD_VALUE and "time zone" in (diagnosis.message_primary or ""):
        return errors.InvalidCalendar(
            f"PostgreSQL does not know the time zone of series {series!r}: {diagnosis.message_primary}.",
            rule="The database turns moments into business dates, so it must know the zone.",
            remedy="Choose one that it knows: define_series(…, time_zone='Europe/Berlin').",
        )
    if getattr(cause, "sqlstate", None) in _MISSING and "ledger_" in (diagnosis.message_primary or ""):
        if without := made_without_migrations():
            return errors.NotMigrated(
                f"The tables of this database were made from the models, without the ledger's migrations: {without}.",
                rule="The migrations also make the functions and triggers that number and guard; models have none.",
                remedy="Run these tests with migrations (--reuse-db keeps the database, so that they run only once): "
                "leave out --nomigrations, MIGRATE, or the entry for ledger in MIGRATION_MODULES.",
            )
        return errors.NotMigrated(
            f"Series {series!r} needs what this database doesn't have: {diagnosis.message_primary}.",
            rule="Folio's tables and functions come from its migrations, and must be on the connection's search_path.",
            remedy="Run manage.py migrate on that database; with several, look at using= and at DATABASE_ROUTERS.",
        )
    broken = constraint_of(diagnosis)
    if broken == "ledger_entry_number":
        return errors.NumberTaken(
            f"Series {series!r} would repeat a number of the same tenant. {diagnosis.message_detail or ''}",
            rule=refusals.UNIQUE_RULE,
            remedy="Let the series skip it: ledger.actions.skip_taken(), or manage.py ledger_gaps skip. A prefix of "
            "its own, in the template, holds from the next period on.",
        )
    if broken == "ledger_series_numbers":
        return refusals.series_collide(series, diagnosis.message_detail)
    if broken in ("ledger_period_numbers", "ledger_period_format"):
        return errors.PeriodConflict(
            f"A period of series {series!r} could repeat numbers of another one: {diagnosis.message_primary}.",
            rule=refusals.UNIQUE_RULE,
            remedy="Choose a template, or a length limit, by which their counters can't meet.",
        )
    if broken == "ledger_period_history":
        return errors.InvalidCalendar(
            f"The calendar of series {series!r} can't change now: {diagnosis.message_primary}.",
            rule="A period that was changed stays with its history, even if it is empty.",
            remedy="Let the new calendar begin after it: from_day= (--from).",
        )
    return None


# Django calls COMMIT, so we can't wrap it in a ``with``. Each connection has an object that turns the driver's errors
# into Django's; a connection that has left a ticket gets one that knows our errors too.
_NAME = "wrap_database_errors"
_CONSTRAINT = "ledger_ticket_"
_REFUSAL = "the commit was refused, since period "


def _refused_as(kind: type[LedgerError]) -> type[CommitRefused]:
    """A CommitRefused that is also what ``issue`` raises for the same reason."""
    made: Any = type(f"_{kind.__name__}AtCommit", (CommitRefused, kind), {"__module__": __name__})
    return made  # type: ignore[no-any-return]


_PeriodClosedAtCommit = _refused_as(errors.PeriodClosed)
_OutOfOrderAtCommit = _refused_as(errors.OutOfOrder)
_PeriodExhaustedAtCommit = _refused_as(errors.PeriodExhausted)
_RangesExhaustedAtCommit = _refused_as(errors.RangesExhausted)
_InactiveSeriesAtCommit = _refused_as(errors.InactiveSeries)
_DocumentConflictAtCommit = _refused_as(errors.DocumentConflict)
_DocumentVoidedAtCommit = _refused_as(errors.DocumentVoided)
_NumberTakenAtCommit = _refused_as(errors.NumberTaken)

#: By the reason that the database gives: the error, why, the rule, and the way out.
_REASONS: dict[str, tuple[type[CommitRefused], str, str, str]] = {
    "closed": (_PeriodClosedAtCommit, "the period was closed", refusals.CLOSED_RULE, "Date it in an open one."),
    "out_of_order": (
        _OutOfOrderAtCommit,
        "a later date has been issued",
        refusals.OUT_OF_ORDER_RULE,
        "Leave on= out, and the date is that of the commit; or date it later.",
    ),
    "exhausted": (
        _PeriodExhaustedAtCommit,
        "the next number would be too long",
        "Each number keeps the series' length limit.",
        "Issue from a series with a shorter prefix.",
    ),
    "ranges": (
        _RangesExhaustedAtCommit,
        "no authorised range has a value left for that date; the last one is {range}",
        refusals.RANGES_RULE,
        "Add the next range that the authority grants: manage.py ledger_ranges add.",
    ),
    "inactive": (_InactiveSeriesAtCommit, "the series was switched off", refusals.INACTIVE_RULE, "Switch it on again."),
    "other_facts": (
        _DocumentConflictAtCommit,
        "the document has got a number with another date or other metadata meanwhile",
        refusals.FACTS_RULE,
        "Leave the differing argument out to get that number.",
    ),
    "voided": (
        _DocumentVoidedAtCommit,
        "the document has got a number meanwhile that is void already",
        refusals.VOID_RULE,
        "To give it a new one, pass the void number as replaces=.",
    ),
}


def explain_commit_errors(connection: BaseDatabaseWrapper) -> None:
    """Let this connection raise CommitRefused for a refused ticket, and ConcurrencyError for a lost race."""
    if not isinstance(connection.wrap_database_errors, _CommitErrors):
        connection.__dict__[_NAME] = _CommitErrors(connection)


class _CommitErrors(DatabaseErrorWrapper):
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and (ours := _ours_at_commit(error)) is not None:
            raise ours.with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


def _ours_at_commit(error: BaseException) -> LedgerError | None:
    diagnosis: Any = getattr(error, "diag", None)
    if diagnosis is None:
        return None
    constraint = constraint_of(diagnosis)
    if constraint.startswith(_CONSTRAINT) or (diagnosis.message_primary or "").startswith(_REFUSAL):
        facts = json.loads(diagnosis.message_detail)
        return _refused(facts["reason"], facts)
    # A coordinator of Citus passes on only the words of a node's error.
    if "ledger_number_tickets" in (diagnosis.context or "") or diagnosis.sqlstate == "XX000":
        if constraint == "ledger_entry_number":
            return _NumberTakenAtCommit(
                "A ticket got no number at COMMIT: it would repeat a number of the same tenant. "
                f"{diagnosis.message_detail or ''}",
                rule=refusals.UNIQUE_RULE,
                remedy="Nothing was written. Give the series a prefix of its own, which holds for the next period.",
            )
        return retry(error, "of a ticket, numbered at COMMIT,")
    return None


def _refused(reason: str, facts: dict[str, Any]) -> CommitRefused:
    if reason == "exhausted" and facts["range"]:
        reason = "ranges"
    told = f"its period gives out no number ({reason})"
    unknown = (CommitRefused, told, "A number needs an open period.", "Look at the series.")
    kind, why, rule, remedy = _REASONS.get(reason, unknown)
    subject = f"Document {facts['document']!r}" if facts["document"] else "A ticket"
    return kind(
        f"{subject} of tenant {facts['tenant']!r}, series {facts['series']!r}, dated {facts['on']}, "
        f"got no number at COMMIT: {why.format(**facts)}.",
        rule=rule,
        remedy=f"Nothing was written, and the transaction was rolled back. {remedy} Then run it again.",
    )


def made_without_migrations() -> str:
    """What made the ledger's tables from its models, without its migrations; empty if nothing did.

    Then the tables exist, but not the functions and triggers that number and guard.
    """
    # Imported here, since few processes need Django's test tools.
    from django.db.migrations.loader import MigrationLoader
    from django.test.utils import _TestState

    if MigrationLoader.migrations_module("ledger")[0] is None:
        return "the setting MIGRATION_MODULES, which pytest's --nomigrations changes, switches the migrations off"
    if hasattr(_TestState, "saved_data"):
        for alias, settings in connections.settings.items():
            if settings.get("TEST", {}).get("MIGRATE") is False:
                return f"DATABASES[{alias!r}]['TEST']['MIGRATE'] is False"
    return ""
