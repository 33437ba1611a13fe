"""The figures of ``/metrics``, read from the database at each request. Labels are names of sweeps and of counts."""

from collections.abc import Iterable, Iterator

from django.db import router
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger import homes
from ledger.cursors import fetch
from ledger.formats import MAX_VALUE
from ledger.judging import Kind, State, Verdict, judge
from ledger.models import SweepRun
from ledger.ranges import Level, levels
from ledger.sweeps.health import Health, health
from ledger.sweeps.sql import QUEUED
from ledger.zones import today_in, todays_json

_BY_SWEEP = ("sweep",)
_BY_STATE = ("state",)

# When the comparison that is longest ago was made, and when the last seal was: seconds, or null.
_LAST = """
    SELECT (SELECT extract(epoch FROM min(r.compared_at))::float FROM ledger_remotereading r),
           (SELECT extract(epoch FROM max(z.sealed_at))::float FROM ledger_seal z)
"""

#: The names and texts of the columns of ``_LAST`` and ``QUEUED``.
_FIGURES = (
    (
        "last_comparison_timestamp_seconds",
        "When the accounting system that has waited longest was last compared; left out before the first.",
    ),
    ("last_seal_timestamp_seconds", "When something was last sealed; left out if never."),
    ("pools", "Pools of current periods."),
    ("pools_low", "Those with less than a quarter of a batch left, or none yet."),
    ("reservations", "Reservations that are neither numbers nor gaps yet."),
    ("oldest_reservation_seconds", "Age of the oldest of them; 0 without any."),
)


class _Collector(Collector):
    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering the collector doesn't query the database."""
        return []


class LedgerCollector(_Collector):
    """The figures of a few short queries, however large the ledger is: none is by tenant or series."""

    def __init__(self, using: str | None = None) -> None:
        self.alias = using or router.db_for_read(SweepRun)

    def collect(self) -> Iterator[Metric]:
        sweeps = health(using=self.alias)
        yield from _of_sweeps(sweeps)
        yield from _of_verdict(judge(sweeps=sweeps, using=self.alias).verdict)
        yield from _of_ranges(list(levels(self.alias, lambda series: today_in(series.time_zone, self.alias))))
        [queued] = fetch(self.alias, QUEUED, {"todays": todays_json(self.alias)})
        [last] = fetch(self.alias, _LAST)
        for (name, text), figure in zip(_FIGURES, (*last, *queued), strict=True):
            yield _gauge(f"ledger_{name}", text, figure)


class HomesCollector(_Collector):
    """The figures of all homes, each with the label ``home``; for a home that is down, only that it is down."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("ledger_home_up", "1 where the home answers, else 0.", labels=["home"])
        families: dict[str, Metric] = {}
        for home, metrics, error in homes.ask_all(
            lambda home: list(LedgerCollector(home).collect()), **homes.ASKED_BY_A_PAGE
        ):
            up.add_metric([home], float(error is None))
            for metric in metrics or ():
                samples = [sample._replace(labels={**sample.labels, "home": home}) for sample in metric.samples]
                metric.samples = []
                families.setdefault(metric.name, metric).samples += samples
        yield from (up, *families.values())


def _of_ranges(found: list[Level]) -> Iterator[Metric]:
    yield _gauge("ledger_range_series", "Series that number from authorised ranges.", len(found))
    low = sum(bool(level.problems) for level in found)
    yield _gauge("ledger_range_series_low", "Those with little left: in number, days or pace.", low)


def _of_verdict(verdict: Verdict) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "ledger_state", "1 for the state of the whole ledger, 0 for every other.", labels=_BY_STATE
    )
    count = GaugeMetricFamily("ledger_state_count", "How much there is of each state.", labels=_BY_STATE)
    for each in State:
        state.add_metric([each.value], float(each is verdict.state))
        if each is not State.IN_ORDER:
            count.add_metric([each.value], verdict.count(each))
    looked_at = None if verdict.looked_at is None else verdict.looked_at.timestamp()
    look = _gauge("ledger_last_full_look_timestamp_seconds", "When every value was last looked at.", looked_at)
    unexplained = sum(fact.count for fact in verdict.facts if fact.kind is Kind.UNEXPLAINED)
    gaps = _gauge("ledger_unexplained_values", "Missing values that nobody has explained.", unexplained)
    yield from (state, count, look, gaps)


def _gauge(name: str, text: str, figure: float | None) -> Metric:
    """A figure without labels; left out if it is None."""
    family = GaugeMetricFamily(name, text, labels=[])
    if figure is not None:
        family.add_metric([], figure)
    return family


def _of_sweeps(found: list[Health]) -> Iterator[Metric]:
    def family(name: str, text: str, labels: Iterable[str] = _BY_SWEEP) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"ledger_sweep_{name}", text, labels=list(labels))

    success = family("last_success_timestamp_seconds", "When the sweep last succeeded; left out if it never did.")
    took = family("last_success_duration_seconds", "How long that took.")
    overdue = family("overdue", "1 if the sweep has not succeeded for too long, else 0.")
    failed = family("failed", "1 if its last run failed, else 0.")
    unfinished = family("unfinished", "1 if its last run has not ended: it runs, or was killed.")
    counted = family("last_counted", "What its last run counted.", ("sweep", "counted"))
    for one in found:
        names = [one.sweep]
        if one.succeeded_at is not None and one.took is not None:
            success.add_metric(names, one.succeeded_at.timestamp())
            took.add_metric(names, one.took.total_seconds())
        overdue.add_metric(names, float(one.overdue))
        failed.add_metric(names, float(bool(one.error)))
        unfinished.add_metric(names, float(one.unfinished))
        for name, count in one.counts.items():
            figure: object = count  # of a row that somebody else wrote it may be a text, or have 400 digits
            if isinstance(figure, (int, float)) and abs(figure) <= MAX_VALUE:
                counted.add_metric([one.sweep, name], figure)
    yield from (success, took, overdue, failed, unfinished, counted)
