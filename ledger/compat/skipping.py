"""Lets a counter stand further on, as callers of other systems do by hand: the values between become gaps."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.compat.scopes import open_current, today_of
from ledger.errors import InvalidArgument
from ledger.models import Series
from ledger.periods import find_period

# Arguments: tenant, period, the last value, actor.
_SKIP = "SELECT ledger_skip_values(%s, %s, %s, %s)"

_RULES = {
    "behind": "A counter never goes back.",
    "exhausted": "A number is no longer than its series allows.",
    "many": "One step leaves at most 10,000 gaps.",
    "closed": "Nothing is added to a closed period.",
    "queued": "Where values wait in a pool, or as reservations, the counter is not moved by hand.",
}


def skip_to(connection: BaseDatabaseWrapper, series: Series, value: Any) -> None:
    """Let the current period stand at ``value``; those between become gaps with the cause "skipped".

    Before its first number the period simply begins after ``value``. Raises InvalidArgument where that can't be.
    """
    if not isinstance(value, int) or value < 0:
        raise InvalidArgument(
            f"current_value={value!r} is no value of a counter.",
            rule="A counter counts in whole numbers from 0 on, and an expression such as F() isn't known to it.",
            remedy="Pass a whole number, or call next_sequence().",
        )
    if find_period(series, today_of(connection.alias, series), connection.alias) is None:
        open_current(connection, series, after=value)
        return
    period = open_current(connection, series)
    with connection.cursor() as cursor:
        cursor.execute(_SKIP, [series.tenant, period.pk, value, "django-sequence"])
        outcome: str = cursor.fetchone()[0]
    if outcome != "skipped":
        raise InvalidArgument(
            f"The sequence {series.code!r} can't go from {period.last_value} to {value}.",
            rule=_RULES[outcome],
            remedy="Pass a higher value, a few steps on; or define another series: define_series(…, start_value=…).",
        )
