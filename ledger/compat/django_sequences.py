"""The API of django-sequences 3.1, on Folio's serial counter: every value is a row of the ledger.

    from ledger.compat.django_sequences import get_next_value, get_next_values, get_last_value, delete, Sequence

A sequence is the series of its name (``ledger.compat.sequence_runs``), so ``get_next_value("invoice")`` and
``issue("invoice")`` count on from each other. As with the original, a second caller waits until the first one's
transaction ends, and a value that was rolled back is given again. Outside a transaction each call is one of its own.

What is better: whoever changes the ledger's rows is stopped, ``ledger_verify`` proves that none is missing, and a
series of another allocation than ``serial`` doesn't make callers wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connections, router, transaction

from ledger import refusals
from ledger.allocation.answers import Outcome, day_of
from ledger.compat.conf import compat_settings
from ledger.compat.sequence_runs import (
    Run,
    begin_run,
    code_of_turn,
    end_run,
    hold,
    last_value,
    latest_run,
)
from ledger.database_errors import told_in_our_words
from ledger.errors import InvalidArgument, InvalidSeries
from ledger.issuing import issue
from ledger.models import Allocation, NumberIssued
from ledger.requests import day_or_moment

__all__ = ["Sequence", "delete", "get_last_value", "get_next_value", "get_next_values"]

# The next value, or null (migrations/sql/next_value.sql). Arguments: tenant, series, moment or null.
_NEXT = "SELECT ledger_next_value(%s, %s, %s)"

# The outcome, and the last value taken, if there is one. Arguments as above.
_TAKE = "SELECT ledger_issue_serial(%s, %s, NULL, %s, '', '', '{}')"

# The same for a block, which has no documents either. Arguments: tenant, series, moment or null, how many.
_TAKE_MANY = """
    SELECT min(i.outcome), min(i.business_date), max(i.entry_value)
    FROM ledger_issue_serial_many(%s, %s, NULL, %s::timestamptz, array_fill(''::text, ARRAY[%s::integer]), '', NULL,
                                  false) i
"""

#: The run that a sequence, by database, tenant and name, had last time. Only a hint: the database decides.
_known: dict[tuple[str, str, str], str] = {}
_MEMORY = 100_000
_TRIES = 5


def get_next_value(
    sequence_name: str = "default",
    initial_value: int = 1,
    reset_value: int | None = None,
    *,
    nowait: bool = False,
    using: str | None = None,
) -> int:
    """The next value of a sequence, which begins at ``initial_value``.

    With ``reset_value`` the sequence begins again when it would reach it: its values lie below. With ``nowait`` a
    sequence that another transaction holds raises LockTimeout (a ``django.db.OperationalError``) instead of waiting.
    Raises InvalidArgument (a ValueError) unless ``reset_value`` is above ``initial_value``.
    """
    _check_reset(initial_value, reset_value)
    return _take(sequence_name, initial_value, reset_value, None, nowait, using)


def get_next_values(
    batch_size: int,
    sequence_name: str = "default",
    initial_value: int = 1,
    *,
    nowait: bool = False,
    using: str | None = None,
) -> range:
    """The next ``batch_size`` values of a sequence, contiguous, in one statement; otherwise as ``get_next_value``."""
    if batch_size < 0:
        raise InvalidArgument(
            f"A batch of {batch_size} values was asked for.",
            rule="A counter never goes back.",
            remedy="Pass how many values are needed, such as get_next_values(10).",
        )
    if batch_size == 0:
        last = get_last_value(sequence_name, using=using)
        following = initial_value if last is None else last + 1
        return range(following, following)
    last = _take(sequence_name, initial_value, None, batch_size, nowait, using)
    return range(last - batch_size + 1, last + 1)


def get_last_value(sequence_name: str = "default", *, using: str | None = None) -> int | None:
    """The last value of a sequence; None if it has given out none."""
    alias = using or router.db_for_read(NumberIssued)
    run = latest_run(alias, compat_settings().sequences_tenant, sequence_name)
    return None if run is None else last_value(alias, run)


def delete(sequence_name: str = "default", *, using: str | None = None) -> bool:
    """Let a sequence begin again at the next call; tells whether there was one.

    What it gave out stays in the ledger: its run is closed for good.
    """
    alias = using or router.db_for_write(NumberIssued)
    connection = connections[alias]
    tenant = compat_settings().sequences_tenant
    with told_in_our_words(sequence_name), transaction.atomic(using=alias):
        for _ in range(_TRIES):
            run = latest_run(alias, tenant, sequence_name)
            if run is None or run.period is None or run.period.closed_at is not None:
                return False
            if hold(connection, run, nowait=False) is None:
                continue
            run.period.refresh_from_db(using=alias)
            if last_value(alias, run) is None:
                return False
            end_run(connection, tenant, sequence_name, run)
            return True
    raise refusals.unsettled(sequence_name)


class Sequence(Iterator[int]):
    """A sequence as an object; ``next()`` of it is its next value. Raises as ``get_next_value`` does."""

    def __init__(
        self,
        sequence_name: str = "default",
        initial_value: int = 1,
        reset_value: int | None = None,
        *,
        using: str | None = None,
    ) -> None:
        _check_reset(initial_value, reset_value)
        self.sequence_name = sequence_name
        self.initial_value = initial_value
        self.reset_value = reset_value
        self.using = using

    def get_last_value(self) -> int | None:
        """The last value of the sequence; None if it has given out none."""
        return get_last_value(self.sequence_name, using=self.using)

    def get_next_value(self, *, nowait: bool = False) -> int:
        """The next value of the sequence."""
        return get_next_value(self.sequence_name, self.initial_value, self.reset_value, nowait=nowait, using=self.using)

    def get_next_values(self, batch_size: int, *, nowait: bool = False) -> range:
        """The next ``batch_size`` values; as with the original, they don't mind ``reset_value``."""
        return get_next_values(batch_size, self.sequence_name, self.initial_value, nowait=nowait, using=self.using)

    def delete(self) -> bool:
        """Let the sequence begin again; tells whether there was one."""
        return delete(self.sequence_name, using=self.using)

    def __next__(self) -> int:
        return self.get_next_value()


def _check_reset(initial_value: int, reset_value: int | None) -> None:
    if reset_value is not None and reset_value <= initial_value:
        raise InvalidArgument(
            f"reset_value must be greater than initial_value: it is {reset_value}, and that {initial_value}.",
            rule="A sequence that begins again gives out the values from initial_value up to below reset_value.",
            remedy="Raise reset_value, or leave it out.",
        )


def _take(
    name: str, initial_value: int, reset_value: int | None, batch: int | None, nowait: bool, using: str | None
) -> int:
    """The last of the values taken: of one (``batch`` None), or of so many."""
    alias = using or router.db_for_write(NumberIssued)
    tenant = compat_settings().sequences_tenant
    known = _known.get((alias, tenant, name))
    with told_in_our_words(name):
        if known is not None and reset_value is None and not nowait:
            value = _next(alias, tenant, known) if batch is None else _ask(alias, tenant, known, batch)[2]
            if value is not None:
                return value
        # In the caller's transaction, or one of its own, that a refusal to wait leaves usable.
        with transaction.atomic(using=alias, savepoint=nowait):
            for _ in range(_TRIES):
                run = latest_run(alias, tenant, name)
                if run is not None and run.series.allocation != Allocation.SERIAL:
                    return _without_waiting(alias, run, name, one=batch is None and reset_value is None)
                if run is None or run.period is None:
                    run = begin_run(connections[alias], tenant, name, run.turn if run else 1, initial_value)
                if reset_value is not None or nowait:
                    last = hold(connections[alias], run, nowait=nowait)
                    if last is None:
                        continue
                    if reset_value is not None and last + 1 >= reset_value and _begun(alias, run, last):
                        end_run(connections[alias], tenant, name, run)
                        run = begin_run(connections[alias], tenant, name, run.turn + 1, initial_value)
                outcome, days, value = _ask(alias, tenant, run.series.code, batch)
                if value is not None:
                    _remember(alias, tenant, name, run)
                    return value
                _explain(alias, tenant, name, run, outcome, days, batch)
    raise refusals.unsettled(name)


def _begun(alias: str, run: Run, last: int) -> bool:
    """Whether the run has given out a value, or goes on where another system ended."""
    assert run.period is not None
    return last >= run.period.first_value or last_value(alias, run) is not None


def _without_waiting(alias: str, run: Run, name: str, *, one: bool) -> int:
    """A value of a series whose allocation locks no counter."""
    if not one:
        raise InvalidSeries(
            f"The sequence {name!r} is a series of the allocation {run.series.allocation}.",
            rule="A batch of contiguous values, and one with reset_value, is taken from a locked counter.",
            remedy="Take the values one by one, or let the series be serial: manage.py ledger_series allocate "
            f"{run.series.code} serial.",
        )
    return issue(run.series.code, org=run.series.tenant, using=alias).value


def _next(alias: str, tenant: str, code: str) -> int | None:
    """The next value in one round trip, or None where the series gives out none."""
    _, moment = day_or_moment(None)
    with connections[alias].cursor() as cursor:
        cursor.execute(_NEXT, (tenant, code, moment))
        value: int | None = cursor.fetchone()[0]
    return value


def _ask(alias: str, tenant: str, code: str, batch: int | None) -> tuple[str, str, int | None]:
    """The outcome, the business date in days since 1970, and the last value taken, if any was."""
    _, moment = day_or_moment(None)
    with connections[alias].cursor() as cursor:
        if batch is None:
            cursor.execute(_TAKE, (tenant, code, moment))
            answer = cursor.fetchone()[0]
            if answer[0] == "issued":
                return answer[0], answer[1], int(answer[5])
            return answer[0], answer[1] if len(answer) > 1 else "0", None
        cursor.execute(_TAKE_MANY, (tenant, code, moment, batch))
        outcome, day, last = cursor.fetchone()
    return outcome, str(day.toordinal() - 719163) if day else "0", last


def _explain(alias: str, tenant: str, name: str, run: Run, outcome: str, days: str, batch: int | None) -> None:
    """Raise why the run gives out no value, where trying again won't help."""
    assert run.period is not None
    if outcome == Outcome.INACTIVE:
        raise refusals.inactive(run.series)
    if outcome == Outcome.EXHAUSTED:
        raise refusals.exhausted(run.period, batch or 1)
    if outcome == Outcome.OUT_OF_ORDER:
        run.period.refresh_from_db(using=alias)
        raise refusals.out_of_order(run.period, day_of(days))
    if outcome == Outcome.CLOSED:
        latest = latest_run(alias, tenant, name)
        if latest is not None and latest.turn == run.turn and latest.period is not None and latest.period.closed_at:
            raise refusals.closed(latest.period, day_of(days))


def _remember(alias: str, tenant: str, name: str, run: Run) -> None:
    if len(_known) >= _MEMORY:
        _known.clear()
    _known[(alias, tenant, name)] = code_of_turn(name, run.turn)
