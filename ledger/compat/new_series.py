"""Makes the series of a first call with no more privilege than a checkout has: it inserts, and locks no row."""

from __future__ import annotations

from typing import Any

from ledger.conf import ledger_settings
from ledger.models import Series
from ledger.series import check_series


def unsaved_series(alias: str, tenant: str, code: str, **settings: Any) -> Series:
    """A series that is yet to be inserted. Raises InvalidArgument errors where it could not work."""
    series = Series(tenant=tenant, code=code, time_zone=ledger_settings().time_zone, **settings)
    check_series(series, alias)
    return series


def insert_series(alias: str, series: Series) -> None:
    """Insert the series, unless another transaction just did."""
    Series.objects.using(alias).bulk_create([series], ignore_conflicts=True)
