"""Implements the API of django-sequences: takes values from the series that holds a sequence."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, router, transaction

from ledger import refusals
from ledger.allocation.connection_hooks import first_row
from ledger.allocation.interface import Outcome, Taken, day_of
from ledger.arguments import day_or_moment
from ledger.compat.conf import compat_settings
from ledger.compat.new_series import find_or_make
from ledger.compat.old_names import Renamed, no_turn, period_of, renamed
from ledger.compat.scopes import today_of
from ledger.compat.sequence_runs import Run, begin_run, code_of_turn, end_run, hold, last_value, latest_run
from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.errors import InvalidArgument, InvalidSeries
from ledger.homes import database_for
from ledger.issuing import issue, later_date
from ledger.models import Allocation, NumberIssued
from ledger.periods import find_period
from ledger.series import find_series

# The next value, or null. Arguments: tenant, series, moment or null.
_NEXT = "SELECT ledger_next_value(%s, %s, %s)"

# The outcome, and the last value taken, if there is one. The same arguments.
_TAKE = "SELECT ledger_issue_serial(%s, %s, NULL, %s, '', '', '{}')"

# The same for a block without documents. Arguments: tenant, series, day, moment or null, how many.
_TAKE_MANY = """
    SELECT min(i.outcome), min(i.business_date), max(i.entry_value)
    FROM ledger_issue_serial_many(%s, %s, %s::date, %s::timestamptz, array_fill(''::text, ARRAY[%s::integer]), '', NULL,
                                  false) i
"""

#: The last known run of a sequence, by database, tenant and name. Only a hint: the database decides.
_known: dict[tuple[str, str, str], str] = {}
_MEMORY = 100_000
_TRIES = 5


def take(
    name: str, initial_value: int, reset_value: int | None, batch: int | None, nowait: bool, using: str | None
) -> int:
    """Take one value (``batch`` None), or so many; returns the last of them."""
    name = named(name)
    if (old := renamed(name)) is not None:
        if reset_value is not None:
            raise no_turn(name)
        return _take_renamed(_alias(old.choice.org, using), name, old, whole(initial_value), batch, nowait)
    tenant = compat_settings().sequences_tenant
    alias = _alias(tenant, using)
    known = _known.get((alias, tenant, name))
    with translate_database_errors(name):
        if known is not None and reset_value is None and not nowait:
            value = next_value(alias, tenant, known) if batch is None else _ask(alias, tenant, known, batch).last
            if value is not None:
                return value
        # In the caller's transaction or a new one. A refusal leaves it usable, except where ``reset_value`` is given.
        with transaction.atomic(using=alias, savepoint=nowait or reset_value is None):
            for _ in range(_TRIES):
                run = latest_run(alias, tenant, name)
                if run is not None and run.series.allocation != Allocation.SERIAL:
                    return _without_waiting(alias, run, name, one=batch is None and reset_value is None)
                if run is None or run.period is None:
                    run = begin_run(alias, tenant, name, run.turn if run else 1, whole(initial_value))
                if reset_value is not None or nowait:
                    last = hold(alias, run, nowait=nowait)
                    if last is None:
                        continue
                    if reset_value is not None and last + 1 >= reset_value and _begun(alias, run, last):
                        end_run(alias, tenant, name, run)
                        run = begin_run(alias, tenant, name, run.turn + 1, whole(initial_value))
                outcome, days, value = _ask(alias, tenant, run.series.code, batch)
                if value is not None:
                    if len(_known) >= _MEMORY:
                        _known.clear()
                    _known[(alias, tenant, name)] = code_of_turn(name, run.turn)
                    return value
                _explain(alias, tenant, name, run, outcome, days, batch)
    raise refusals.unsettled(name)


def take_none(name: str, initial_value: int, using: str | None) -> int:
    """The sequence's next value, for an empty batch. Makes the sequence, as the original does."""
    name = named(name)
    if (old := renamed(name)) is not None:
        return (_last_renamed(_alias(old.choice.org, using), old) or whole(initial_value) - 1) + 1
    tenant = compat_settings().sequences_tenant
    alias = _alias(tenant, using)
    with translate_database_errors(name), transaction.atomic(using=alias):
        run = latest_run(alias, tenant, name)
        if run is None or run.period is None:
            run = begin_run(alias, tenant, name, run.turn if run else 1, whole(initial_value))
        assert run.period is not None
        return run.period.last_value + 1


def last(name: str, using: str | None) -> int | None:
    """The last value of a sequence; None if it has given out none."""
    name = named(name)
    old = renamed(name)
    tenant = compat_settings().sequences_tenant if old is None else old.choice.org
    home = database_for(tenant, using, reads=True)
    alias = router.db_for_read(NumberIssued) if home is None else home
    if old is not None:
        return _last_renamed(alias, old)
    run = latest_run(connections[alias].alias, tenant, name)  # an unknown alias is refused
    return None if run is None else last_value(alias, run)


def end(name: str, using: str | None) -> bool:
    """Close the run of a sequence for good; returns whether it had given out a value."""
    name = named(name)
    if renamed(name) is not None:
        raise no_turn(name)
    tenant = compat_settings().sequences_tenant
    alias = _alias(tenant, using)
    with translate_database_errors(name), transaction.atomic(using=alias):
        for _ in range(_TRIES):
            run = latest_run(alias, tenant, name)
            if run is None or run.period is None or run.period.closed_at is not None:
                return False
            if hold(alias, run, nowait=False) is None:
                continue
            run.period.refresh_from_db(using=alias)
            if last_value(alias, run) is None:
                return False
            end_run(alias, tenant, name, run)
            return True
    raise refusals.unsettled(name)


def _take_renamed(alias: str, name: str, old: Renamed, initial_value: int, batch: int | None, nowait: bool) -> int:
    """Take values from the series of an old name; returns the last of them."""
    choice, org = old.choice, old.choice.org
    with translate_database_errors(name), transaction.atomic(using=alias):
        series = find_or_make(alias, org, choice.series, choice.settings)
        day = old.day or today_of(alias, series)
        run = Run(series, period_of(alias, series, day, initial_value), 1)
        if nowait:
            hold(alias, run, nowait=True)
        if batch is None:
            return issue(series, on=day, using=alias).value
        if series.allocation != Allocation.SERIAL:
            return _without_waiting(alias, run, name, one=False)
        outcome, days, value = _take_many(alias, org, series.code, day, None, batch)
        if value is None:
            _explain(alias, org, name, run, outcome, days, batch)
            raise refusals.unsettled(name)
    return int(value)


def _last_renamed(alias: str, old: Renamed) -> int | None:
    series = find_series(alias, old.choice.org, old.choice.series)
    if series is None:
        return None
    return last_value(alias, Run(series, find_period(series, old.day or today_of(alias, series), alias), 1))


def _begun(alias: str, run: Run, last: int) -> bool:
    """Whether the run has given out a value, or continues after another system."""
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


def next_value(alias: str, tenant: str, code: str) -> int | None:
    """The next value in one round trip, or None if the series gives out none."""
    _, moment = day_or_moment(None)
    value: int | None
    (value,) = first_row(connections[alias], _NEXT, (tenant, code, moment))
    return value


class _Answer(NamedTuple):
    """The business date in ``days`` since 1970, and the last value that was taken, if any was."""

    outcome: str
    days: str
    last: int | None


def _ask(alias: str, tenant: str, code: str, batch: int | None) -> _Answer:
    _, moment = day_or_moment(None)
    if batch is not None:
        return _take_many(alias, tenant, code, None, moment, batch)
    [(answer,)] = fetch(alias, _TAKE, (tenant, code, moment))
    if answer[0] == "issued":
        *common, _early = answer
        taken = Taken(*common)
        return _Answer(taken.outcome, taken.days, int(taken.value))
    outcome, *known = answer
    return _Answer(outcome, known[0] if known else "0", None)


def _take_many(alias: str, tenant: str, code: str, day: date | None, moment: Any, batch: int) -> _Answer:
    [(outcome, dated, last)] = fetch(alias, _TAKE_MANY, (tenant, code, day, moment, batch))
    return _Answer(outcome, str(dated.toordinal() - 719163) if dated else "0", last)


def _explain(alias: str, tenant: str, name: str, run: Run, outcome: str, days: str, batch: int | None) -> None:
    """Raise the reason why the run gives out no value, unless another try may help."""
    assert run.period is not None
    if outcome == Outcome.INACTIVE:
        raise refusals.inactive(run.series)
    if outcome == Outcome.EXHAUSTED:
        raise refusals.exhausted(run.period, batch or 1)
    if outcome == Outcome.OUT_OF_ORDER:
        run.period.refresh_from_db(using=alias)
        if (later := later_date(run.period, day_of(days), alias)) is not None:
            raise refusals.out_of_order(run.period, day_of(days), later)
    if outcome == Outcome.CLOSED:
        latest = latest_run(alias, tenant, name)
        if latest is not None and latest.turn == run.turn and latest.period is not None and latest.period.closed_at:
            raise refusals.closed(latest.period, day_of(days))


def _alias(tenant: str, using: str | None) -> str:
    home = database_for(tenant, using)
    return router.db_for_write(NumberIssued) if home is None else home


def named(name: Any) -> Any:
    """The name of a sequence as in the original's table, where a year, a date and the like are texts."""
    plain = isinstance(name, (int, Decimal, date, UUID)) and not isinstance(name, bool)
    return str(name) if plain else name


def whole(value: object) -> int:
    """A whole number, which may be given as a text or a Decimal. Raises InvalidArgument."""
    if isinstance(value, int):
        return value
    if isinstance(value, (str, Decimal, float)):
        with suppress(ValueError, OverflowError):
            if (number := int(value)) == value or isinstance(value, str):
                return number
    raise InvalidArgument(
        f"initial_value={value!r} is of type {type(value).__name__}.",
        rule="A sequence counts in whole numbers.",
        remedy="Pass a whole number, such as initial_value=1000.",
    )
