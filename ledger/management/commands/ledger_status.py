"""``ledger_status``: every period with its numbers from first to last, whether they add up, and its state."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

from django.core.management.base import CommandParser

from ledger.durability import commit_seconds
from ledger.judging import Fact, Judgement, Kind, State, Verdict, decide, judge
from ledger.management.base import LedgerCommand, counted
from ledger.models import Allocation
from ledger.prepared import REMEDY, prepared_holders
from ledger.remote import pool_states
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.series import series_of

# A table's columns are as wide as their cells, so its rows are held in memory; a longer list is several tables.
_ROWS = 200

_HEADER = (
    *("series", "period", "first", "last", "values", "= issued", "+ adopted", "+ gaps", "+ reserved", "+ missing"),
    *("in ranges", "healing", "void", "out of order", "ahead", "next", "state"),
)
#: The counts, in the order of these columns.
_COUNTED = (
    *("expected", "issued", "adopted", "flagged", "reserved", "missing", "missing_ranges", "healing", "void"),
    *("out_of_order", "ahead"),
)
#: What the sentences below the tables sum up.
_SUMMED = ("explained", "adopted_missing", "healing", "duplicates")

#: A commit that takes longer, in seconds, limits how fast a series of strict order can be.
_SLOW_COMMIT = 0.001

#: Allocations for which a locked counter waits for the disk, unless it is released early.
_STRICT = (Allocation.SERIAL, Allocation.AT_COMMIT, Allocation.RESERVED)

#: A period and its state.
_Judged: TypeAlias = tuple[PeriodSummary, State]


class Command(LedgerCommand):
    help = (
        "Shows every period of every series: first and last value, and what the values between became. It sums twice, "
        "from the counter and from the rows alone. Missing values that heal are free slots, which the next checkouts "
        "take; slots ahead lie above the last value. It also names pools of drafts that are low or could not be "
        "refilled, prepared transactions that hold rows, and slow commits where early release would help. Exit code 0: "
        "in order; 1: people have work to do; 2: values are lost or don't add up, or the options are invalid."
    )
    judges = True
    examples = """  manage.py ledger_status
  manage.py ledger_status --tenant shop.organization:42 --series invoice
  manage.py ledger_status --json | jq '.periods[] | select(.missing > 0)'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        self.add_chosen(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        chosen = {"tenant": options["tenant"], "series": options["series"]}
        self.refuse_unknown(alias, **chosen)
        judgement = judge(**chosen, sweeps=(), using=alias)
        counted_facts: list[Fact] = []
        summaries = _judged(summarise(**chosen, using=alias), judgement, counted_facts)
        pools = pool_states(**chosen, using=alias)
        hint = _hint(alias, **chosen)
        prepared = [f"{holder}. {REMEDY}" for holder in prepared_holders(alias)]
        if options["json"]:

            def tail() -> dict[str, Any]:
                verdict = _verdict(judgement, counted_facts)
                told = {"ok": verdict.is_in_order, "verdict": verdict.as_dict()}
                return {"pools": [pool.as_dict() for pool in pools], "prepared": prepared, "hint": hint, **told}

            self.stream_json({"periods": ({**one.as_dict(), "state": state.value} for one, state in summaries)}, tail)
        else:
            self._tables(summaries)
            for warning in filter(None, [*(pool.warning for pool in pools), *prepared, hint]):
                self.stdout.write(self.style.WARNING(warning))
        self.conclude(_verdict(judgement, counted_facts), quiet=options["json"])

    def _tables(self, judged: Iterator[_Judged]) -> None:
        sums: Counter[str] = Counter()
        while rows := list(islice(judged, _ROWS)):
            for summary, _ in rows:
                sums.update({name: getattr(summary, name) for name in _SUMMED}, periods=1)
            lines = (_cells(summary, state) for summary, state in rows)
            self.write_table(_HEADER, lines, red=lambda line: line[-1] != State.IN_ORDER)
        if not sums["periods"]:
            self.stdout.write("No period is open yet; the first number opens one.")
            return
        if missing := sums["adopted_missing"]:
            told = f"{missing:,} of the missing values are holes of a previous system, {sums['explained']:,} explained."
            self.stdout.write(told)
        if healing := sums["healing"]:
            self.stdout.write(f"{healing:,} of the missing values are free: the next checkouts take them.")
        if duplicates := sums["duplicates"]:
            self.stdout.write(self.style.ERROR(f"{counted(duplicates, 'value comes', 'values come')} twice."))


def _judged(summaries: Iterable[PeriodSummary], judgement: Judgement, counted_facts: list[Fact]) -> Iterator[_Judged]:
    """Each period with its state. Adds the facts that its counts show to ``counted_facts``."""
    for summary in summaries:
        place = (summary.tenant, summary.series, summary.starts_on, summary.ordinal)
        own = list(_facts(summary))
        counted_facts += own
        known = judgement.of(*place)
        yield summary, decide([*known.facts, *own], as_of=known.as_of, looked_at=known.looked_at).state


def _facts(summary: PeriodSummary) -> Iterator[Fact]:
    place = (summary.tenant, summary.series, summary.starts_on, summary.ordinal)
    lost = summary.missing - summary.adopted_missing - summary.healing
    if lost > 0:
        yield Fact(Kind.LOST, lost, *place)
    if not summary.identity_holds or summary.duplicates:
        yield Fact(Kind.DISAGREES, 1, *place)


def _verdict(judgement: Judgement, counted_facts: Iterable[Fact]) -> Verdict:
    """The verdict on all of it: to count every value, the command has just looked at each."""
    return replace(judgement.including(counted_facts), looked_at=judgement.as_of).verdict


def _hint(alias: str, *, tenant: str | None, series: str | None) -> str:
    """What helps where a counter waits for slow commits; empty where none does."""
    late = series_of(alias, tenant, series).filter(is_active=True, allocation__in=_STRICT, early_release=False)
    count = late.count()
    if not count or (seconds := commit_seconds(alias)) <= _SLOW_COMMIT:
        return ""
    keeping = counted(count, "series keeps its counter", "series keep their counters")
    return (
        f"A commit takes {seconds * 1000:.1f} ms here, and {keeping} locked for that time: none gives more than "
        f"{1 / seconds:,.0f} numbers a second. If you need more: ledger_series create CODE --early-release; "
        "docs/guides/allocation.md says what it means."
    )


def _cells(summary: PeriodSummary, state: State) -> tuple[str, ...]:
    series = f"{summary.tenant}/{summary.series}" if summary.tenant else summary.series
    ends = (str(summary.first), str(summary.last)) if summary.expected > 0 else ("-", "-")
    counts = (f"{getattr(summary, name):,}" for name in _COUNTED)
    following = "closed" if summary.closed else summary.next_number or "exhausted"
    return (series, summary.period, *ends, *counts, following, state.value)
