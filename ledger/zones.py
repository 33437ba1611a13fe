"""What day it is in every time zone, so that a series with an unknown zone doesn't stop the work for all others.

``AT TIME ZONE`` with an unknown name fails for the whole statement. A zone can become unknown: time zone databases drop
and rename zones, and a row may hold anything. So Python works out the days, and statements look them up (``TODAY``),
null where the zone is unknown. A checkout names one series, and the function ``ledger_find_series`` works out its day.
"""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DataError, transaction
from django.utils.translation import gettext

from ledger.calendars import zone
from ledger.cursors import fetch, fetch_value
from ledger.errors import InvalidCalendar
from ledger.localization import lazy_text
from ledger.models import Series
from ledger.timestamps import timestamp

#: The day in the zone of the series ``s``, or null. Parameter: todays, as ``todays_json`` has it.
TODAY = "(%(todays)s::jsonb ->> s.time_zone)::date"

# Each zone that a series has, with the database's clock in seconds since 1970.
_ZONES = "SELECT time_zone, extract(epoch FROM clock_timestamp())::float FROM ledger_series GROUP BY 1"

# The day in one zone. Arguments: moment (null for now), zone.
_TODAY_IN = "SELECT (coalesce(%s, clock_timestamp()) AT TIME ZONE %s)::date"


def todays(alias: str) -> dict[str, date]:
    """The day in each known zone that a series has, by the database's clock."""
    # Not in all zones that exist: to list them, Python opens each of their files, which may take half a minute.
    days = {}
    for name, now in fetch(alias, _ZONES):
        try:
            days[name] = datetime.fromtimestamp(now, zone(name)).date()
        except InvalidCalendar:
            continue
    return days


def todays_json(alias: str) -> str:
    """The same for ``TODAY``."""
    return json.dumps({name: day.isoformat() for name, day in todays(alias).items()})


def today_in(name: str, alias: str, moment: datetime | None = None) -> date:
    """The day in one zone, now or at ``moment``, by the database's clock and its knowledge of zones.

    Raises InvalidCalendar for a zone that Python or the database doesn't know.
    """
    zone(name)
    try:
        # In a savepoint, where the caller has a transaction: it goes on after a refusal.
        with transaction.atomic(using=alias):
            today: date = fetch_value(alias, _TODAY_IN, [moment, name])
    except DataError as error:
        raise InvalidCalendar(
            f"PostgreSQL does not know the time zone {name!r}.",
            rule="The database turns moments into business dates, so it must know the zone.",
            remedy="Choose a name that both know, such as Europe/Berlin, or update the server's time zone data.",
        ) from error
    return today


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone, or UTC if it is unknown: for readers, who must show a time anyway."""
    try:
        return zone(name)
    except InvalidCalendar:
        return ZoneInfo("UTC")


def timestamp_in(moment: datetime | None, name: str) -> str:
    """A time for people in the zone of a series: see ``ledger.timestamps.timestamp``."""
    return timestamp(moment, zone_or_utc(name))


def series_zones(alias: str) -> dict[tuple[str, str], str]:
    """The zone of each series, by tenant and code: for lists over many series."""
    rows = Series.objects.using(alias).values_list("tenant", "code", "time_zone")
    return {(tenant, code): zone for tenant, code, zone in rows}


def shown_zone(name: str) -> Any:
    """The zone for a reader, with a note that times are in UTC if it is unknown."""
    try:
        zone(name)
    except InvalidCalendar:
        return lazy_text(lambda: gettext("%(zone)s (unknown; times are in UTC)") % {"zone": name})
    return name
