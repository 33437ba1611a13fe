"""Creates the series of a first call. A checkout's role may create those that the database has a pattern for."""

from typing import Any

from django.db import connections

from ledger import refusals, sql
from ledger.calendars import CalendarKind
from ledger.conf import ledger_settings
from ledger.cursors import fetch
from ledger.models import Series
from ledger.models.series import NUMBER_LENGTH
from ledger.series import check_series, define_series, find_series, make_default_series, new_series, save_series

#: The pattern for the sequences of django-sequences, which are created on first use under any name.
SEQUENCES = "*django-sequences"


# Whether this very transaction has made a series. Argument: its id.
_MADE_HERE = """
    SELECT EXISTS (SELECT FROM ledger_serieschanged c
                   WHERE c.series_id = %s AND c.old = '{}' AND c.transaction_id = pg_current_xact_id()::text::bigint)
"""


def unsaved_series(alias: str, tenant: str, code: str, **settings: Any) -> Series:
    """A new series, not saved yet. Raises subclasses of InvalidArgument if it could not work."""
    series = new_series(tenant, code, settings)
    check_series(series, alias)
    return series


def sequence_pattern() -> Series:
    """The settings of every sequence of django-sequences, except its name and first value."""
    return Series(
        template="{series}-{counter}",
        calendar=CalendarKind.NEVER,
        max_length=NUMBER_LENGTH,
        time_zone=ledger_settings().time_zone,
        max_days_ahead=ledger_settings().max_days_ahead,
    )


def insert_series(alias: str, series: Series) -> None:
    """Make the series, unless another transaction just did. Raises NotGranted if the role may not define it."""
    if series.template == sequence_pattern().template:
        [(outcome,)] = fetch(alias, sql.MAKE_DEFAULT, [series.tenant, series.code, SEQUENCES, series.start_value])
        if outcome != "unknown":
            return
    save_series(series, alias)


def find_or_make(alias: str, tenant: str, code: str, settings: dict[str, Any]) -> Series:
    """The series, created with these settings if it doesn't exist; by default with those of LEDGER["DEFAULT_SERIES"].

    Raises UnknownSeries if neither has a template for it, NotGranted if the role may not define it.
    """
    found = find_series(alias, tenant, code)
    if found is None and not settings and make_default_series(connections[alias], tenant, code):
        found = find_series(alias, tenant, code)
    if found is not None:
        return found
    chosen = {**ledger_settings().default_series.get(code, {}), **settings}
    if "template" not in chosen:
        raise refusals.unknown_series(alias, tenant, code)
    return define_series(code, org=tenant, using=alias, **chosen)


def made_here(alias: str, series: Series) -> bool:
    """Whether the transaction of this connection has made the series."""
    [(made,)] = fetch(alias, _MADE_HERE, [series.pk])
    return bool(made)
