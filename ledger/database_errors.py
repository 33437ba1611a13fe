"""PostgreSQL's errors, told in the ledger's words."""

from __future__ import annotations

import json
import re
from types import TracebackType
from typing import Any

from django.db import Error, connections

from ledger.errors import (
    DeadlockDetected,
    InvalidCalendar,
    LedgerError,
    LockTimeout,
    NotGranted,
    NotMigrated,
    NumberTaken,
    PeriodConflict,
    SerializationFailure,
)
from ledger.grants import purposes
from ledger.refusals import moved, series_meet
from ledger.sql.installing import function_texts

#: undefined_function, undefined_table, undefined_column.
_MISSING = frozenset({"42883", "42P01", "42703"})


#: invalid_parameter_value.
_BAD_VALUE = "22023"

#: insufficient_privilege.
_DENIED = "42501"

#: What of the ledger an error speaks of, in whatever language it does.
_OURS = re.compile(r"\bledger_\w+")
_BROKEN = re.compile(r'constraint "(ledger_\w+)"')
_MOVED = " is not at home here: "
_SHARD = re.compile(r"_\d{6,}$")


class told_in_our_words:  # noqa: N801  (reads as a statement: with told_in_our_words(series): …)
    """Turn a database error that a caller can act upon into one of ours; others pass through unchanged.

    A class, since it is passed for every number, and a generator costs five times as much.
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
    """The name of the constraint that was broken, or "". In a schema that Citus distributes it has a shard's number at
    its end, and through the coordinator it stands in the message alone."""
    if diagnosis is None:
        return ""
    named = _BROKEN.search(diagnosis.message_primary or "")
    name: str = diagnosis.constraint_name or (named[1] if named else "")
    return _SHARD.sub("", name)


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
    broken = constraint_of(diagnosis)
    if broken == "ledger_tenant_moves" or _MOVED in (getattr(diagnosis, "message_primary", None) or ""):
        return moved(**json.loads(diagnosis.message_detail))
    if broken == "ledger_entry_document":
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
    said: str = cause.diag.message_primary
    problem = f"The role of this connection may not do what {wanted}: {said}."
    if "ledger_tenantbinding" in (cause.diag.message_hint or ""):
        return NotGranted(
            problem,
            rule="A login that the table ledger_tenantbinding binds to tenants serves those alone.",
            remedy="Connect as a login that serves the tenant, or let the ledger's owner add a row to that table.",
        )
    found = _OURS.search(said)
    rule, purpose = _purposes(found[0]) if found else ("A role does what its purposes need.", "")
    if not purpose and found:
        return NotGranted(problem, rule=rule, remedy="Call what ledger offers in its place: its functions write it.")
    return NotGranted(
        problem,
        rule=rule,
        remedy=f"As the ledger's owner: manage.py ledger_grants --role NAME --purpose {purpose or 'PURPOSE'} --apply, "
        "naming each purpose that the role has as well.",
    )


def _purposes(name: str) -> tuple[str, str]:
    """Which purposes a function or a table of the ledger is for, in a sentence; and one of them, or nothing."""
    called, writing, reading = purposes.calling(name), purposes.writing(name), purposes.reading(name)
    if called:
        return f"To call {name} is part of {_either(called)}.", called[0]
    if name in function_texts():
        return f"Nobody calls {name} but the ledger's own functions.", ""
    if writing:
        return f"To write {name} is part of {_either(writing)}; to read it, of {_either(reading)}.", writing[0]
    return f"To read {name} is part of {_either(reading)}; nobody writes it but the ledger's own functions.", reading[0]


def _either(names: list[str]) -> str:
    kind = "the purpose" if len(names) == 1 else "the purposes"
    return f"{kind} {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"{kind} {names[0]}"


def _ours(error: Error, series: str, wanted: str) -> LedgerError | None:
    cause = error.__cause__
    again = retry(cause, f"of series {series!r}")
    if again is not None:
        return again
    diagnosis: Any = getattr(cause, "diag", None)
    denied = not_granted(error, wanted)
    if denied is not None:
        return denied
    if getattr(cause, "sqlstate", None) == _BAD_VALUE and "time zone" in (diagnosis.message_primary or ""):
        return InvalidCalendar(
            f"PostgreSQL does not know the time zone of series {series!r}: {diagnosis.message_primary}.",
            rule="The database turns moments into business dates, so it must know the zone.",
            remedy="Choose one that it knows: define_series(…, time_zone='Europe/Berlin').",
        )
    if getattr(cause, "sqlstate", None) in _MISSING and "ledger_" in (diagnosis.message_primary or ""):
        if without := made_without_migrations():
            return NotMigrated(
                f"The tables of this database were made from the models, without the ledger's migrations: {without}.",
                rule="The migrations also make the functions and triggers that number and guard; models have none.",
                remedy="Run these tests with migrations (--reuse-db keeps the database, so that they run only once): "
                "leave out --nomigrations, MIGRATE, or the entry for ledger in MIGRATION_MODULES.",
            )
        return NotMigrated(
            f"Series {series!r} needs what this database doesn't have: {diagnosis.message_primary}.",
            rule="Folio's tables and functions come from its migrations, and must be on the connection's search_path.",
            remedy="Run manage.py migrate on that database; with several, look at using= and at DATABASE_ROUTERS.",
        )
    broken = constraint_of(diagnosis)
    if broken == "ledger_entry_number":
        return NumberTaken(
            f"Series {series!r} would repeat a number of the same tenant. {diagnosis.message_detail or ''}",
            rule="A tenant's numbers are unique over all its series, without regard to case.",
            remedy="Let the series go past it: ledger.actions.skip_taken(), or manage.py ledger_gaps skip. A prefix of "
            "its own, in the template, holds from the next period on.",
        )
    if broken == "ledger_series_numbers":
        return series_meet(series, diagnosis.message_detail)
    if broken in ("ledger_period_numbers", "ledger_period_format"):
        return PeriodConflict(
            f"A period of series {series!r} could repeat numbers of another one: {diagnosis.message_primary}.",
            rule="A tenant's numbers are unique over all its series and periods, without regard to case.",
            remedy="Choose a template, or a length limit, by which their counters can't meet.",
        )
    if broken == "ledger_period_history":
        return InvalidCalendar(
            f"The calendar of series {series!r} can't change now: {diagnosis.message_primary}.",
            rule="A period that was changed stays with its history, also an empty one.",
            remedy="Let the new calendar begin after it: from_day= (--from).",
        )
    return None


def made_without_migrations() -> str:
    """What made the ledger's tables from its models, without its migrations; empty if nothing did.

    Then the tables are there, but none of the functions and triggers that number and guard.
    """
    # Imported here, since most processes never need Django's test tools.
    from django.db.migrations.loader import MigrationLoader
    from django.test.utils import _TestState

    if MigrationLoader.migrations_module("ledger")[0] is None:
        return "the setting MIGRATION_MODULES, which pytest's --nomigrations changes, switches the migrations off"
    if hasattr(_TestState, "saved_data"):
        for alias, settings in connections.settings.items():
            if settings.get("TEST", {}).get("MIGRATE") is False:
                return f"DATABASES[{alias!r}]['TEST']['MIGRATE'] is False"
    return ""
