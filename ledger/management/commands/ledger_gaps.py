"""``ledger_gaps``: shows holes and gaps, flags holes that no checkout will fill, and explains gaps."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from django.core.management.base import CommandParser
from django.db import Error

from ledger.actions import explain, flag_lost, skip_taken
from ledger.database_errors import plain
from ledger.gaps import Gap, Hole, State, find, flagged_gaps, healed_holes, raise_lost, sweep
from ledger.gaps.finding import GRACE
from ledger.judging import Fact, Kind, Verdict, judge
from ledger.management.base import MOST_LINES, LedgerCommand, counted, iso_date, last_look, seconds
from ledger.models import Entry
from ledger.verification.alarms import MOST, may_not_write
from ledger.zones import series_zones, timestamp_in

_T = TypeVar("_T")


class Command(LedgerCommand):
    help = (
        "Shows every hole with its state, and every gap with its explanation. list is the default; sweep first flags "
        "the holes that no checkout will fill, as the workers do; explain says why; skip goes past a number that the "
        "tenant's ledger has already. Exit code 0: in order; "
        "1: something is left over or unexplained, or was refused; 2: values are lost, or the options are invalid."
    )
    judges = True
    examples = """  manage.py ledger_gaps
  manage.py ledger_gaps sweep --series invoice
  manage.py ledger_gaps explain INV-2026-000124 --reason 'card refused, see incident 17' --by ada
  manage.py ledger_gaps explain INV-2026-000125 INV-2026-000126 --tenant shop.organization:42 --reason 'test run'
  manage.py ledger_gaps skip invoice --by ada
  manage.py ledger_gaps --json | jq '.gaps[] | select(.explanation == "")'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list | sweep | explain | skip")
        parser.set_defaults(action="list")
        listing = actions.add_parser("list", help="What is missing, and why.")
        sweeping = actions.add_parser("sweep", help="Flag what no checkout will fill.")
        recent = "Look for lost values only since the last scan, as the workers do each minute; by default, everywhere."
        young = f"A reservation younger than this counts as in flight ({GRACE.total_seconds():g})."
        for one in (parser, listing, sweeping):
            super().add_arguments(one)
            self.add_chosen(one)
            one.add_argument("--recent", action="store_true", help=recent)
            one.add_argument("--grace", type=seconds, default=GRACE.total_seconds(), metavar="SECONDS", help=young)
        add = sweeping.add_argument
        who = 'Who flags; kept with the gap. By default "sweep"; for --flag-lost, who runs the command.'
        add("--by", default="", metavar="NAME", help=who)
        lost = "Also flag lost values, so that they can be explained. Try to restore them from a backup first."
        add("--flag-lost", action="store_true", help=lost)
        explaining = actions.add_parser("explain", help="Say why no document has a number.")
        explaining.add_argument("number", nargs="+", help="The missing number, such as INV-2026-000124.")
        explaining.add_argument("--reason", required=True, help="What an auditor will read.")
        self.add_actor(explaining, "Who says so")
        skipping = actions.add_parser("skip", help="Go past the next number, which another series has already.")
        skipping.add_argument("series", help="The series that can't go on, such as invoice.")
        skipping.add_argument("--on", type=iso_date, metavar="DATE", help="A day of its period (today).")
        self.add_actor(skipping, "Who decides; kept with the gap")
        for one in (explaining, skipping):
            super().add_arguments(one)
            self.add_tenant(one)

    def _list(self, alias: str, options: dict[str, Any]) -> None:
        self.refuse_unknown(alias, options["tenant"], options["series"])
        which: dict[str, Any] = {"tenant": options["tenant"], "series": options["series"], "using": alias}
        full = not options["recent"]
        waiting = {**which, "grace": timedelta(seconds=options["grace"]), "full": full}
        steps = 3 if options["action"] == "sweep" else 2
        swept, seen = None, _Seen()
        with self.progress(steps, wanted=options["verbosity"] > 0) as begin:
            if options["action"] == "sweep":
                begin("sweeping")
                swept = sweep(**waiting, by=options["by"] or "sweep")
                if options["flag_lost"]:
                    for hole in [hole for hole in find(**waiting) if hole.state == State.LOST]:
                        swept.flagged += flag_lost(hole, by=self.actor(options), using=alias)
            holes = _begun(begin, "looking for holes", seen.passing(find(**waiting)))
            gaps = _begun(begin, "reading gaps", flagged_gaps(**which))

            def judged() -> Verdict:
                try:
                    raise_lost(seen.lost, using=alias)
                except Error as error:  # who may only read sees the verdict all the same
                    if not may_not_write(error):
                        raise
                    self.stderr.write(f"What was found is not kept as alarms: {plain(error)}.", self.style.WARNING)
                judgement = judge(**which, sweeps=()).including(seen.facts())
                return (replace(judgement, looked_at=judgement.as_of) if full else judgement).verdict

            if options["json"]:
                lists = {
                    "holes": (hole.as_dict() for hole in holes),
                    "gaps": (gap.as_dict() for gap in gaps),
                    "healed": (_healed(entry) for entry in healed_holes(**which)),
                }
                told = None if swept is None else swept.as_dict() | {"failed": swept.failures.told}
                verdicts: list[Verdict] = []

                def tail() -> dict[str, Any]:
                    verdicts.append(judged())
                    return {"swept": told, "verdict": verdicts[0].as_dict()}

                self.stream_json(lists, tail)
                verdict, is_empty = verdicts[0], False
            else:
                healed = sum(1 for _ in healed_holes(**which))
                shown = self._show(alias, holes, gaps, healed, None if swept is None else swept.flagged)
                verdict = judged()
                is_empty = verdict.is_in_order and not shown and not (swept is not None and swept.failures.told)
        not_done = str(swept.failures) if swept is not None else ""
        if is_empty:
            where = "" if verdict.looks_now else " in what came since the last scan"
            known = f" {verdict.acknowledged_text}." if verdict.acknowledged else ""
            self.stdout.write(self.style.SUCCESS(f"Nothing is missing{where}. {last_look(verdict)}{known}"))
        self.conclude(verdict, first=not_done and f"{not_done}.", quiet=is_empty or options["json"])

    _sweep = _list

    def _explain(self, alias: str, options: dict[str, Any]) -> None:
        how = {"explanation": options["reason"], "by": self.actor(options), "org": options["tenant"], "using": alias}
        said = self.do_all(options["number"], lambda number: explain(number, **how), alias, turn="explain")
        told = [{"id": event.pk, "explained_at": event.explained_at} for event in said]
        self.answer(options, told, f"Explained: {', '.join(options['number'])}.")

    def _skip(self, alias: str, options: dict[str, Any]) -> None:
        skipped = skip_taken(
            options["series"], org=options["tenant"], on=options["on"], by=self.actor(options), using=alias
        )
        told = {"value": skipped.value, "number": skipped.number}
        self.answer(options, told, f"Skipped: {skipped.number}. Its value is a gap, to be explained.")

    def _show(self, alias: str, holes: Iterator[Hole], gaps: Iterator[Gap], healed: int, flagged: int | None) -> bool:
        """Show the first ones; return whether there are any."""
        zones = series_zones(alias)
        if flagged is not None:
            self.stdout.write(f"{counted(flagged, 'value', 'values')} flagged just now.")
        if first_holes := list(islice(holes, MOST_LINES)):
            header = ("tenant", "series", "number", "values", "state", "since", "document")
            self.write_table(header, (_hole_line(hole, zones) for hole in first_holes))
        more_holes = sum(1 for _ in holes)
        if first_gaps := list(islice(gaps, MOST_LINES)):
            header = ("tenant", "series", "number", "values", "cause", "flagged", "explanation")
            self.write_table(header, (_gap_line(gap, zones) for gap in first_gaps))
        more_gaps = sum(1 for _ in gaps)
        if more_holes or more_gaps:
            every = f"{counted(len(first_holes) + more_holes, 'hole', 'holes')} and "
            every += counted(len(first_gaps) + more_gaps, "gap", "gaps")
            self.stdout.write(f"The first {MOST_LINES} of {every}; --json has all.")
        if healed:
            told = counted(healed, "hole that was reported has", "holes that were reported have")
            self.stdout.write(f"{told} healed.")
        return bool(first_holes or first_gaps)


class _Seen:
    """Counts the holes that pass by and are lost or left over (a sweep flags the latter), and keeps lost ones."""

    def __init__(self) -> None:
        self.lost: list[Hole] = []
        self._counts: Counter[tuple[Any, ...]] = Counter()

    def passing(self, holes: Iterable[Hole]) -> Iterator[Hole]:
        kinds = {State.LOST: Kind.LOST, State.LEFT_OVER: Kind.LEFT_OVER}
        for hole in holes:
            if hole.state in kinds:
                self._counts[kinds[hole.state], hole.tenant, hole.series, hole.starts_on, hole.ordinal] += hole.count
            if hole.state == State.LOST and len(self.lost) < MOST:
                self.lost.append(hole)
            yield hole

    def facts(self) -> list[Fact]:
        return [Fact(kind, count, *place) for (kind, *place), count in self._counts.items()]


def _begun(begin: Callable[[str], None], step: str, rows: Iterable[_T]) -> Iterator[_T]:
    begin(step)
    yield from rows


def _span(row: Hole | Gap) -> str:
    return str(row.value) if row.count == 1 else f"{row.value} to {row.through}"


def _since(row: Hole | Gap, zones: Mapping[tuple[str, str], str]) -> str:
    return timestamp_in(row.since, zones.get((row.tenant, row.series), "UTC"))


def _hole_line(hole: Hole, zones: Mapping[tuple[str, str], str]) -> tuple[Any, ...]:
    document = hole.evidence.get("document", "")
    return (hole.tenant, hole.series, hole.number, _span(hole), hole.state, _since(hole, zones), document)


def _gap_line(gap: Gap, zones: Mapping[tuple[str, str], str]) -> tuple[Any, ...]:
    cause = gap.evidence.get("cause", "")
    explained = f"{gap.explanation} ({gap.explained_by or 'nobody named'})" if gap.explanation else "none"
    return (gap.tenant, gap.series, gap.number, _span(gap), cause, _since(gap, zones), explained)


def _healed(entry: Entry) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in ("tenant", "value", "number", "document", "issued_at")}
    return {"series": entry.series.code, **told}
