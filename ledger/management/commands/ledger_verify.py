"""``ledger_verify``: checks the whole ledger against its rules, names each row that breaks one, and keeps alarms."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.core.management.base import CommandParser
from django.db import DataError, Error, ProgrammingError, transaction
from django.db.models import Q
from django.utils import timezone

from ledger.actions import acknowledge_alarm
from ledger.judging import Fact, Judgement, Kind, Verdict, judge, kind_of
from ledger.management.base import MOST_LINES, LedgerCommand, counted
from ledger.models import AlarmRaised, Entry, SweepRun
from ledger.sweeps.running import note_run, this_process
from ledger.verification import CHECKS, watch
from ledger.verification.alarms import may_not_write, with_state
from ledger.verification.findings import Alarm, Note


class Command(LedgerCommand):
    help = (
        "Reads the events and checks what must always hold: continuity, counters, one number for one document, what "
        "waits to be numbered, voids, gaps, closed periods, and whether the database's schema, guards, owners and "
        "privileges are those that the migrations make. Names each offending row or object, and keeps it as an alarm "
        "until a later look no longer finds it; notes say what else you should know. look is the default; alarms shows "
        "the unresolved ones without a look; acknowledge says why something may stand that can't be mended, which "
        "takes it out of the exit code. Exit code 0: in order; 1: people have work to do; 2: rows or guards were lost "
        "or tampered with, or the options are invalid. Checkouts continue meanwhile."
    )
    judges = True
    examples = """  manage.py ledger_verify
  manage.py ledger_verify --tenant shop.organization:42 --series invoice
  manage.py ledger_verify --json | jq '.alarms[] | select(.rule == 1)'
  manage.py ledger_verify alarms
  manage.py ledger_verify acknowledge 17 --reason 'the clock was set back, see the log of 3 March' --by ada
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="look | alarms | acknowledge")
        parser.set_defaults(action="look")
        look = actions.add_parser("look", help="Look at everything, and keep alarms.")
        for one in (parser, look, actions.add_parser("alarms", help="Show the unresolved alarms of the last look.")):
            super().add_arguments(one)
            self.add_chosen(one)
        saying = actions.add_parser("acknowledge", help="Say why something may stand that can't be mended.")
        super().add_arguments(saying)
        saying.add_argument("alarm", nargs="+", type=int, help="The id of the alarm.")
        saying.add_argument("--reason", required=True, help="What an auditor will read.")
        self.add_actor(saying, "Who says so")

    def _look(self, alias: str, options: dict[str, Any]) -> None:
        tenant, series = options["tenant"], options["series"]
        self.refuse_unknown(alias, tenant, series)
        found = _Found()
        run = self._begin(alias) if tenant is None and series is None else None
        with self.progress(len(CHECKS), wanted=options["verbosity"] > 0) as begin:
            alarms = found.passing(
                watch(
                    tenant=tenant,
                    series=series,
                    using=alias,
                    progress=lambda check: begin(f"checking {check.title}"),
                    note=found.notes.append,
                    refused=lambda told: self.stderr.write(told, self.style.WARNING),
                )
            )
            verdicts: list[Verdict] = []

            def tail() -> dict[str, Any]:
                if run is not None:
                    note_run(alias, run, counts={"alarms": found.rules.total()})
                verdicts.append(found.verdict(alias, options))
                return {
                    "ok": verdicts[0].is_in_order,
                    "found": found.total,
                    "rules": dict(sorted(found.rules.items())),
                    "notes": [asdict(note) for note in found.notes],
                    "checks": [check.title for check in CHECKS],
                    "verdict": verdicts[0].as_dict(),
                }

            if options["json"]:
                self.stream_json({"alarms": map(asdict, alarms)}, tail)
            else:
                self._show(alarms, found)
                tail()
        said = ""
        if found.rules:
            rules = ", ".join(f"rule {rule}: {count}" for rule, count in sorted(found.rules.items()))
            said = f"The ledger breaks its rules in {counted(found.rules.total(), 'place', 'places')} ({rules})."
        self.conclude(verdicts[0], first=said, quiet=options["json"])

    def _show(self, alarms: Iterable[Alarm], found: "_Found") -> None:
        for alarm in alarms:
            self.stdout.write((self.style.WARNING if alarm.reason else self.style.ERROR)(str(alarm)))
        for note in found.notes:
            self.stdout.write(self.style.WARNING(str(note)))
        if not found.rules:
            noted = f", and noted what stands above: {len(found.notes)}" if found.notes else ""
            known = f" but what is acknowledged: {found.total}" if found.total else ""
            self.stdout.write(f"{len(CHECKS)} checks found nothing{known}{noted}.")

    def refuse_unknown(self, alias: str, tenant: str | None, series: str | None) -> None:
        try:
            with transaction.atomic(using=alias):
                if series is not None or not Entry.objects.using(alias).filter(tenant=tenant).exists():
                    super().refuse_unknown(alias, tenant, series)  # else its series may be gone, which is found
        except ProgrammingError:
            return  # a table is gone, or this role may not read it: the look reports that too

    def _acknowledge(self, alias: str, options: dict[str, Any]) -> None:
        with transaction.atomic(using=alias):
            how = {"reason": options["reason"], "by": self.actor(options), "using": alias}
            said = [acknowledge_alarm(alarm, **how) for alarm in options["alarm"]]
        told = [{"alarm": event.alarm_id, "acknowledged_at": event.acknowledged_at} for event in said]
        self.answer(options, told, f"Acknowledged: {', '.join(map(str, options['alarm']))}.")

    def _alarms(self, alias: str, options: dict[str, Any]) -> None:
        """The unresolved alarms about the tenant and the series, and the verdict."""
        self.refuse_unknown(alias, options["tenant"], options["series"])
        found = with_state(AlarmRaised.objects.using(alias)).filter(resolved_at=None).order_by("pk")
        for column, value in (("tenant", options["tenant"]), ("series", options["series"])):
            if value is not None:
                found = found.filter(Q(**{column: value}) | Q(tenant=None))
        verdict = judge(tenant=options["tenant"], series=options["series"], sweeps=(), using=alias).verdict
        if options["json"]:
            names = [field.attname for field in AlarmRaised._meta.concrete_fields if field.attname != "subject"]
            names += ["reason", "acknowledged_by", "acknowledged_at"]
            alarms = [{name: getattr(alarm, name) for name in names} for alarm in found]
            self.write_json({"alarms": alarms, "ok": verdict.is_in_order, "verdict": verdict.as_dict()})
        else:
            header = ("id", "alarm", "raised", "what is wrong", "acknowledged")
            lines = [_line(alarm) for alarm in found[: MOST_LINES + 1]]
            if lines:
                self.write_table(header, lines[:MOST_LINES])
            if len(lines) > MOST_LINES:
                self.stdout.write(f"The first {MOST_LINES}; --json has all.")
        self.conclude(verdict, quiet=options["json"])

    def _begin(self, alias: str) -> int | None:
        """Note the full look in the diary of the sweeps, for everybody; None if this role may not write there."""
        try:
            with transaction.atomic(using=alias):
                return SweepRun.objects.using(alias).create(sweep="verify", process=this_process()).pk
        except Error as error:
            if not may_not_write(error):
                raise
            return None


@dataclass(slots=True)
class _Found:
    """How much was found, and what nobody has acknowledged: by rule, and by kind and place."""

    total: int = 0
    rules: Counter[int] = field(default_factory=Counter)
    places: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)

    def passing(self, alarms: Iterable[Alarm]) -> Iterator[Alarm]:
        for alarm in alarms:
            self._count(alarm)
            yield alarm

    def _count(self, alarm: Alarm) -> None:
        self.total += 1
        if alarm.reason:
            return
        if alarm.rule is not None:
            self.rules[alarm.rule] += 1
        kind = kind_of(alarm.check)
        values = 1 if alarm.value is None or alarm.through is None else alarm.through - alarm.value + 1
        place: tuple[Any, ...] = (None, None, None, 0)
        if alarm.tenant is not None:
            place = (alarm.tenant, alarm.series, alarm.starts_on, alarm.ordinal)
        self.places[kind, *place] += values if kind is Kind.LOST else 1

    def verdict(self, alias: str, options: dict[str, Any]) -> Verdict:
        """The verdict, with what was found, kept or not. Every value was just looked at."""
        facts = [Fact(kind, count, *place) for (kind, *place), count in self.places.items()]
        try:
            with transaction.atomic(using=alias):
                judgement = judge(tenant=options["tenant"], series=options["series"], sweeps=(), using=alias)
        except (ProgrammingError, DataError):
            # A table or function is gone, or this role may not use it: that is among what was found.
            if not facts:
                raise
            judgement = Judgement((), timezone.now(), None)
        return replace(judgement.including(facts), looked_at=judgement.as_of).verdict


def _line(alarm: Any) -> tuple[Any, ...]:
    told = f"{alarm.reason} ({alarm.acknowledged_by or 'nobody named'})" if alarm.reason else ""
    place = "/".join(filter(None, (alarm.tenant, alarm.series))) or "all"
    return (alarm.pk, f"{alarm.kind} of {place}", f"{alarm.raised_at:%Y-%m-%d %H:%M}", alarm.problem, told)
