"""A role locks a counter and forgets it, idle or by PREPARE TRANSACTION: others get an error at their own deadline.

A locked value is no gap. A prepared transaction belongs to no connection, and outlives a restart; ``ledger_verify``,
``ledger_status`` and the system check name it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error as DatabaseError, connections, transaction

from ledger import close_period, issue
from ledger.checks import check_databases
from ledger.errors import LockTimeout
from ledger.gaps import sweep
from ledger.models import Entry
from ledger.verification import verify
from ledger.verification.findings import Note
from tests.allocations import expect_all_accounted_for
from tests.roles.logins import (
    AUDITOR,
    CHECKOUT,
    DAY,
    FINANCE,
    NOBODY,
    OWNER,
    USUAL,
    WORKERS,
    Logins,
    opened,
    rows,
    series_of_each_allocation,
)

#: A name that an attacker may choose; it must not confuse the code that reads it.
GID = "held \x1b[31m{name}%s"
#: A document whose number nobody reads before COMMIT.
LATE = "numbered as it is prepared"
#: How the counter is locked, and how the lock ends.
RAN_OUT = "lock_timeout ran out"
HOLDS = ["idle", "COMMIT PREPARED", "ROLLBACK PREPARED"]


@contextmanager
def held(how: str, codes: list[str], logins: Logins) -> Iterator[None]:
    """A transaction has taken a number of each of these series; it ends with the block."""
    with transaction.atomic(using=CHECKOUT):
        for code in codes:
            assert str(issue(code, org=how, on=DAY, document="held", using=CHECKOUT))
        if how == "idle":
            yield
        else:
            issue("at_commit", org=how, on=DAY, document=LATE, using=CHECKOUT)
            rows(CHECKOUT, f"PREPARE TRANSACTION '{GID}'")
        transaction.set_rollback(True, using=CHECKOUT)
    if how == "idle":
        return
    connections[CHECKOUT].close()
    with logins.superuser() as connection:
        end = "ROLLBACK PREPARED"
        try:
            yield
            end = how
        finally:
            connection.execute(f"{end} '{GID}'".encode())


def notes() -> list[Note]:
    """The notes of ``ledger_verify``, which has no findings."""
    found: list[Note] = []
    assert [str(alarm) for alarm in verify(using=OWNER, note=found.append)] == []
    return found


@contextmanager
def impatient(alias: str) -> Iterator[None]:
    """A login that doesn't wait long for a lock."""
    rows(alias, "SET lock_timeout = '50ms'")
    yield
    rows(alias, "RESET lock_timeout")


@pytest.mark.parametrize("how", HOLDS)
def test_who_waits_is_told_and_nothing_is_flagged(how: str, logins: Logins) -> None:
    if how != "idle" and rows(OWNER, "SHOW max_prepared_transactions") == [("0",)]:
        pytest.skip("this server prepares no transactions")
    series = {each.code: each for each in series_of_each_allocation(how, head="")}
    for code in series:
        with transaction.atomic(using=CHECKOUT):
            issue(code, org=how, on=DAY, document="first", using=CHECKOUT)
    with held(how, list(series), logins):
        for code in ("serial", "at_commit"):
            with impatient(USUAL), pytest.raises(LockTimeout, match=RAN_OUT), transaction.atomic(using=USUAL):
                str(issue(code, org=how, on=DAY, document="other", using=USUAL))
        with impatient(FINANCE), pytest.raises(LockTimeout, match=RAN_OUT):
            close_period(opened(series["serial"]), early=True, using=FINANCE)
        for code in ("pooled", "remote", "reserved"):
            with transaction.atomic(using=USUAL):
                assert issue(code, org=how, on=DAY, document="other", using=USUAL).value == 3
        swept = sweep(tenant=how, grace=timedelta(0), using=WORKERS)
        assert (swept.flagged, swept.in_flight) == (0, 3)
        if how == "idle":
            assert notes() == []
        else:
            [note] = notes()
            assert note.check == "prepared-transaction"
            assert note.problem.startswith(
                "The prepared transaction 'held \\x1b[31m{name}%s' of the role Shop \"checkout\""
            )
            told = StringIO()
            with suppress(CommandError):
                call_command("ledger_status", database=OWNER, tenant=how, stdout=told)
            assert "The prepared transaction 'held \\x1b[31m{name}%s'" in told.getvalue()
            [warning] = [one for one in check_databases(None, databases=[OWNER]) if one.id == "ledger.W007"]
            assert "COMMIT PREPARED" in str(warning.hint)
            for alias in (WORKERS, FINANCE, AUDITOR, NOBODY):
                assert _ended_by(alias).sqlstate == "42501"
    assert notes() == []
    kept = {"COMMIT PREPARED": 6}.get(how, 0)
    assert Entry.objects.using(OWNER).filter(tenant=how, document__in=["held", LATE]).count() == kept
    sweep(tenant=how, grace=timedelta(0), using=WORKERS)
    with transaction.atomic(using=USUAL):
        for code in series:
            assert str(issue(code, org=how, on=DAY, document="after", using=USUAL))
    expect_all_accounted_for(OWNER)


def _ended_by(alias: str) -> Any:
    with pytest.raises(DatabaseError) as refused:
        rows(alias, f"ROLLBACK PREPARED '{GID}'")
    return refused.value.__cause__
