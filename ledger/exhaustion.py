"""Whether a counter lasts until its period ends, at the rate at which its numbers are used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from ledger.cursors import fetch
from ledger.localization import lazy_text, period_told, translated
from ledger.models import Period
from ledger.rules import Finding, Outcome
from ledger.rules.checking import HORIZON, outgrown_on

# The open periods of a day that have used a hundredth of their values or more (for the others it is too early to say),
# and whether the counter is at its end and no pool has a value left. ledger.ranges looks at authorised ranges.
# Arguments: tenant, series (null for all), earliest and latest day that it may be anywhere in the world.
_USED = """
    SELECT p.id, p.last_value >= p.max_value AND NOT EXISTS (
               SELECT FROM ledger_slot w WHERE w.tenant = p.tenant AND w.period_id = p.id)
    FROM ledger_period p JOIN ledger_series s ON s.id = p.series_id
    WHERE (%(tenant)s::text IS NULL AND NOT p.moves OR p.tenant = %(tenant)s)
      AND (%(series)s::text IS NULL OR s.code = %(series)s)
      AND p.closed_at IS NULL AND s.is_active AND p.ordinal = 0
      AND p.starts_on <= %(latest)s::date AND p.ends_on >= %(earliest)s::date
      AND p.last_value::numeric - p.first_value + 1 >= (p.max_value::numeric - p.first_value) / 100
"""

# How fast numbers are used: the first and the last number of each period within a span of days. Ever longer stretches
# before the last number are tried along the index, so a period of millions costs a few dozen probes; a period that
# began within the span counts from its first value. Arguments: periods (ids), since (the first day of the span).
_RATES = """
    SELECT p.id, earliest.value, earliest.issued_on, highest.value
    FROM ledger_period p
    CROSS JOIN LATERAL (
        SELECT e.value FROM ledger_entry e WHERE e.tenant = p.tenant AND e.period_id = p.id
        ORDER BY e.value DESC LIMIT 1
    ) highest
    CROSS JOIN LATERAL (
        SELECT e.value, e.issued_on
        FROM (SELECT p.first_value AS start
              UNION ALL SELECT greatest(highest.value, 0) - (1::bigint << step) FROM generate_series(0, 61) step) tried
        CROSS JOIN LATERAL (
            SELECT e.value, e.issued_on FROM ledger_entry e
            WHERE e.tenant = p.tenant AND e.period_id = p.id AND e.value >= tried.start
            ORDER BY e.value LIMIT 1
        ) e
        WHERE tried.start >= p.first_value AND e.issued_on >= greatest(p.starts_on, %(since)s::date)
        ORDER BY e.value LIMIT 1
    ) earliest
    WHERE p.id = ANY (%(periods)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many values were ``used`` ``since`` a day; in a period of more than a year, within about the last year."""

    used: int
    since: date


def used_periods(alias: str, *, tenant: str | None, series: str | None, today: date) -> dict[int, bool]:
    """The ids of the current periods that may run out, and whether they have. ``today`` is that of UTC."""
    day = timedelta(days=1)
    wanted = {"tenant": tenant, "series": series, "earliest": today - day, "latest": today + day}
    return dict(fetch(alias, _USED, wanted))


def rates(periods: Sequence[int], alias: str, *, today: date, days: int = HORIZON) -> dict[int, Rate]:
    """How fast each period's numbers are used, by its id; none for a period without numbers in the last ``days``."""
    if not periods:
        return {}
    found = fetch(alias, _RATES, {"periods": list(periods), "since": today - timedelta(days=days - 1)})
    return {pk: Rate(highest - value + 1, since) for pk, value, since, highest in found}


def runs_out_on(period: Period, rate: Rate | None, highest: int, today: date) -> date | None:
    """The day on which the counter of ``period`` passes ``highest``, if that is before the period ends."""
    if rate is None:
        return None
    # Since the first number, not the period's first day: a shop that begins in autumn issues as fast in winter.
    return outgrown_on(
        used=rate.used,
        days=max(1, (today - rate.since).days + 1),
        left=highest - period.last_value,
        today=today,
        until=period.ends_on,
    )


def outgrown_at_last_rate(period: Period, alias: str) -> Finding | None:
    """A warning if ``period``, about to be opened, would run out of values at the rate of the one before it."""
    earlier = Period.objects.using(alias).filter(series=period.series, starts_on__lt=period.starts_on)
    last = earlier.order_by("-starts_on").first()
    if last is None or last.ends_on == date.max:
        return None
    left = period.max_value - period.first_value + 1
    return exhaustion_finding(
        outgrown_on(
            used=last.last_value - last.first_value + 1,
            days=last.as_span().days,
            left=left,
            today=period.starts_on,
            until=period.ends_on,
        ),
        period,
        period.max_value,
        translated("at the rate of %(period)s", period=lazy_text(partial(period_told, last.label))),
    )


def exhaustion_finding(day: date | None, period: Period, highest: int, rate: Any) -> Finding | None:
    """The warning that a counter reaches ``highest`` on ``day``; None if ``day`` is None."""
    if day is None:
        return None
    return Finding(
        "growth",
        Outcome.WARNED,
        translated(
            "The counter of %(period)s runs out about %(day)s, %(rate)s: its last number is %(number)s.",
            period=lazy_text(partial(period_told, period.label)),
            day=day,
            rate=rate,
            number=repr(period.as_format().number(highest)),
        ),
        translated("A counter must last until its period ends."),
        remedy=translated("Choose a shorter prefix for the next period, a shorter period, or a second series."),
    )
