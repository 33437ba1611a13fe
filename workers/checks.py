"""System checks of LEDGER_ACCOUNTING. A mistake there stops the sweep that it concerns, and no other process."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from ledger.calendars import day_after
from ledger.cursors import fetch_value
from ledger.databases import may_hold_ledger
from ledger.errors import LedgerError
from ledger.models import Series
from workers.accounting import systems
from workers.accounting.base import Capabilities
from workers.accounting.systems import System

_MAY_READ = "SELECT has_table_privilege(to_regclass('ledger_series'), 'SELECT')"


@register("ledger")
def check_accounting(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The keys and values of each system, and its adapter's name; no request is sent, and no credential read."""
    return [Error(f"{error.problem} {error.rule}", hint=error.remedy, id="ledger.E008") for error in systems.problems()]


@register(Tags.database)
def check_pushed_series(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether each system takes the numbers of the series that are pushed to it, in this period and the next."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        if not may_hold_ledger(alias):
            continue
        if not fetch_value(alias, _MAY_READ):
            continue
        for name, given in systems.named().items():
            try:
                # An adapter needs the extra of accounting; a project without one starts all the same.
                system = systems.system(name) if given.get("push") else None
                if system is not None:
                    messages += _misfits(system, systems.adapter(system).capabilities, alias)
            except (LedgerError, ImportError):
                continue  # check_accounting reports it
    return messages


def _misfits(system: System, capabilities: Capabilities, alias: str) -> Iterator[CheckMessage]:
    pushed = Series.objects.using(alias).filter(tenant=system.tenant, is_active=True)
    for series in pushed if system.series is None else pushed.filter(code__in=system.series):
        problem = _misfit(series, capabilities)
        if problem:
            yield checks.Warning(
                f"{system.name}: the series {str(series)!r} is pushed to {system.adapter}, and {problem}",
                hint="Give the series a suitable template before its next period, or remove it from 'series' there; "
                "otherwise a person must look at each number that the system refuses.",
                id="ledger.W006",
            )


def _misfit(series: Series, capabilities: Capabilities) -> str:
    """Why numbers on the first and last days of this period and the next don't fit; empty if they do."""
    try:
        template = series.as_template()
        span = template.calendar.span(datetime.now(UTC).date())
        spans = [] if span is None else [span, template.calendar.span(day_after(span.ends_on))]
        days = [(one, day) for one in spans if one is not None for day in (one.starts_on, one.ends_on)]
        for one, day in days:
            number = template.compile(one).number(max(series.start_value, 1), day)
            longest = capabilities.max_number_length
            if longest is not None and len(number) > longest:
                return f"{number} has {len(number)} characters, of which it takes {longest}."
            if why := capabilities.misfit(number, day):
                return f"it refuses {number} for a document of {day}: {why}."
    except (LedgerError, OverflowError):
        return ""  # other checks report a series that can't be used
    return ""
