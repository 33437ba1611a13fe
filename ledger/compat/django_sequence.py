"""The API of django-sequence: ``next_sequence``, and the model ``Sequence`` as a view of the ledger::

    from ledger.compat.django_sequence import Sequence, SequenceNotFoundError, next_sequence

    next_sequence("invoice", org=my_org)   # "INV-2026-000001"

A scope is the series of that code, an organisation its tenant, so ``issue("invoice", org=my_org)`` continues the same
numbers. Two choices of the original are settings. Its counter goes on when the year in the number changes, while here
each year begins at 1 (``LEDGER_COMPAT = {"COUNT_ON_OVER_YEARS": True}``, for series made from then on). Without
``prefix=``, its code gives ``2026-000001``, but its README says ``INV-2026-000001`` (``"DEFAULT_PREFIXES": False``).
"""

from typing import Any

from django.db import transaction

from ledger import refusals
from ledger.calendars import CalendarKind
from ledger.compat import scopes
from ledger.compat.new_series import insert_series
from ledger.compat.scopes import SequenceError, SequenceExists, SequenceLockedError, SequenceNotFoundError
from ledger.compat.sequence_model import Sequence
from ledger.database_errors import translate_database_errors
from ledger.errors import NoPeriod, PeriodClosed
from ledger.homes import home_of
from ledger.issuing import issue
from ledger.keys import tenant_key
from ledger.periods import find_period
from ledger.series import find_series

__all__ = ["Sequence", "SequenceError", "SequenceExists", "SequenceLockedError", "SequenceNotFoundError"]
__all__ += ["next_sequence"]

_TRIES = 5


def next_sequence(
    scope: str,
    org: Any = None,
    prefix: str = "",
    pad_width: int = 6,
    include_year: bool = True,
    auto_create: bool = True,
) -> str:
    """The next number of a scope, such as ``INV-2026-000001``, in the caller's transaction or one of its own.

    ``org`` is a saved model instance, a text or nothing. ``prefix``, ``pad_width`` and ``include_year`` make the
    sequence at the first call, and mean nothing later. Raises SequenceNotFoundError if it doesn't exist and
    ``auto_create`` is False, SequenceLockedError where ``lock_timeout`` ran out, and what ``ledger.issue`` raises.
    """
    tenant = tenant_key(org)
    alias = home_of(tenant)

    with scopes.locked_by_others(), translate_database_errors(scope), transaction.atomic(using=alias):
        for _ in range(_TRIES):
            series = find_series(alias, tenant, scope)
            if series is None:
                if not auto_create:
                    raise scopes.not_found(scope, tenant)
                made = scopes.series_of_scope(alias, tenant, scope, prefix, pad_width, include_year=include_year)
                insert_series(alias, made)
                continue
            try:
                return scopes.as_original(series, str(issue(scope, org=tenant, using=alias)))
            except (NoPeriod, PeriodClosed):
                # Nobody opened the year, or the year ended while this call waited for its counter.
                today = find_period(series, scopes.today_of(alias, series), alias)
                if series.calendar != CalendarKind.EXPLICIT or (today is not None and today.closed_at is not None):
                    raise
                scopes.open_current(alias, series)
    raise refusals.unsettled(scope)
