"""Remote series with drafts in their pools, stored as a worker stores them, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from ledger import define_series, open_period, remote
from ledger.models import DraftMade, Period, Series
from ledger.remote import Claim, Need
from tests.allocations import DAY


def remote_series(code: str = "invoice", **settings: Any) -> Series:
    """A remote series in the system "books", without a draft."""
    given = {"template": f"{code}/{{year}}/{{counter}}", "allocation": "remote", "system": "books", "time_zone": "UTC"}
    return define_series(code, **{**given, **settings})


def need(period: Period) -> Need:
    """The worker's view of a period."""
    return Need(
        period=period.pk,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        drafts_on=period.starts_on,
        is_current=True,
        free=0,
        wanted=1,
        last_ordinal=0,
        exhausted=False,
    )


def claimed(series: Series, using: str | None = None) -> Claim:
    """The series' pool, which nobody else has."""
    claim = remote.claim(series, using=using)
    assert claim is not None
    return claim


def stock(
    series: Series,
    numbers: Iterable[str],
    *,
    day: date = DAY,
    using: str | None = None,
    key: Callable[[str], str] = "id of {}".format,
) -> Period:
    """Store drafts with these numbers, in this order, with keys by ``key``, after the drafts that exist."""
    period = open_period(series, day, using=using)
    claim = claimed(series, using)
    before = DraftMade.objects.using(using).filter(period=period).count()
    for ordinal, number in enumerate(numbers, before + 1):
        outcome = remote.store(claim, need(period), ordinal=ordinal, remote_id=key(number), number=number, using=using)
        assert outcome == "stored", number
    remote.release(claim, wanted=20, using=using)
    period.refresh_from_db()
    return period
