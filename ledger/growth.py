"""Will a counter last until its period ends? A question of the rate at which its numbers go."""

from __future__ import annotations

from datetime import date

from ledger.models import Period
from ledger.rules import Finding, Outcome
from ledger.rules.checking import outgrown_on


def outgrown_at_last_rate(period: Period, alias: str) -> Finding | None:
    """A warning where ``period``, about to be opened, would run out of values at the rate of the one before it."""
    earlier = Period.objects.using(alias).filter(series=period.series, starts_on__lt=period.starts_on)
    last = earlier.order_by("-starts_on").first()
    if last is None or last.ends_on == date.max:
        return None
    left = period.max_value - period.first_value + 1
    return growth_finding(
        outgrown_on(
            used=last.last_value - last.first_value + 1,
            days=last.as_span().days,
            left=left,
            today=period.starts_on,
            until=period.ends_on,
        ),
        period,
        period.max_value,
        f"at the rate of {last.label}",
    )


def growth_finding(day: date | None, period: Period, highest: int, rate: str) -> Finding | None:
    """The warning that a counter reaches ``highest`` on ``day``; None where there is no such day."""
    if day is None:
        return None
    return Finding(
        "growth",
        Outcome.WARNED,
        f"The counter of {period.label} runs out about {day}, {rate}: its last number is "
        f"{period.as_format().number(highest)!r}.",
        "A counter must last until its period ends.",
        remedy="Choose a shorter prefix for the next period, a shorter period, or a second series.",
    )
