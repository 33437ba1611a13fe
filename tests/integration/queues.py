"""Queues as rolled-back checkouts leave them, made inside a test's transaction, which can't roll back a part."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection

from ledger import define_series, open_period, sql
from ledger.models import Entry, Period, Reservation, Slot

DAY = date(2026, 5, 5)


def pooled(code: str = "till", *, org: str = "", day: date = DAY, **settings: Any) -> Period:
    """A pooled period with the slots 1 to 16, and nothing issued."""
    template = f"{code[0].upper()}{{year}}-{{counter}}"
    series = define_series(
        code, org=org, **{"template": template, "time_zone": "UTC", "allocation": "pooled", **settings}
    )
    period = open_period(series, day)
    with connection.cursor() as cursor:
        cursor.execute(sql.MINT, [org, period.pk, period.last_value, 1])
        assert cursor.fetchone() == ("minted",)
    period.refresh_from_db()
    return period


def reserving(code: str = "shown", *, org: str = "", day: date = DAY) -> Period:
    """A period of a series that reserves, and nothing issued."""
    template = f"{code[0].upper()}{{year}}-{{counter}}"
    series = define_series(code, org=org, template=template, time_zone="UTC", allocation="reserved")
    return open_period(series, day)


def take(period: Period, value: int, on: date = DAY) -> Entry:
    """A checkout that skips the slots which others hold."""
    entry = Entry.objects.create(
        tenant=period.tenant,
        series=period.series,
        period=period,
        value=value,
        kind="issued",
        number=period.as_format().number(value),
        issued_on=on,
    )
    Slot.objects.filter(tenant=period.tenant, period=period, value=value).delete()
    return entry


def reserve(period: Period, document: str = "", on: date = DAY) -> Reservation:
    """A checkout that was shown a value and didn't commit leaves this."""
    period.refresh_from_db()
    value = period.last_value + 1
    Period.objects.filter(pk=period.pk).update(last_value=value)
    return Reservation.objects.create(
        tenant=period.tenant,
        series=period.series,
        period=period,
        value=value,
        document=document,
        issued_on=on,
        actor="checkout",
        checkout_transaction_id=17,
    )
