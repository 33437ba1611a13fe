"""``ledger_verify``: checks the whole ledger against its rules, names each row that breaks one, and keeps alarms."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DataError, Error, ProgrammingError, transaction
from django.db.models import Q
from django.utils import timezone

from ledger.actions import acknowledge_alarm
from ledger.judging import Fact, Judgement, Kind, Verdict, judge, kind_of
from ledger.management.base import BAD_OPTIONS, LedgerCommand, counted
from ledger.models import AlarmRaised, Entry, Series, SweepRun
from ledger.sweeps.notes import note_run, this_process
from ledger.timestamps import MomentEncoder
from ledger.verification import CHECKS, watch
from ledger.verification.alarms import may_not_write, with_state
from ledger.verification.findings import Alarm, Note

#: Lines of a table; a script takes --json, which has them all.
_LINES = 200


class Command(LedgerCommand):
    help = (
        "Folds the events and checks what must always hold: continuity, counters, one number for one document, what "
        "waits to be numbered, voids, gaps, closed periods, and whether the database's schema, guards, owners and "
        "privileges are those that the migrations make. Each offending row or object is named, and kept as an alarm "
        "until a later look no longer finds it; notes say what else should be known. look is what it does by default; "
        "alarms shows the unresolved ones without looking; acknowledge says why what can't be mended may stand, which "
        "takes it out of the exit code. Exit code 0: in order; 1: people have work to do; 2: rows or guards were lost "
        "or tampered with, or the options are no good. Checkouts may go on meanwhile."
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
        self._looking(parser)
        self._looking(actions.add_parser("look", help="Look at everything, and keep what is found."))
        self._looking(actions.add_parser("alarms", help="Show the unresolved alarms, by the last look."))
        saying = actions.add_parser("acknowledge", help="Say why what can't be mended may stand.")
        super().add_arguments(saying)
        saying.add_argument("alarm", nargs="+", type=int, help="The id of the alarm.")
        saying.add_argument("--reason", required=True, help="What an auditor will read.")
        saying.add_argument("--by", default="", help="Who says so.")
        saying.add_argument("--json", action="store_true", help="Write one JSON document.")

    def _looking(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", help="Only this tenant's rows, by its key; '' is the one without a name.")
        parser.add_argument("--series", metavar="CODE", help="Only the rows of series of this code, such as invoice.")
        parser.add_argument("--json", action="store_true", help="Write one JSON document, as the rows are found.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if options["action"] == "acknowledge":
            self._acknowledge(alias, options)
            return
        tenant, series = options["tenant"], options["series"]
        self._refuse_strangers(alias, tenant, series)
        if options["action"] == "alarms":
            self._alarms(alias, options)
            return
        found = _Found()
        run = self._begin(alias) if tenant is None and series is None else None
        out = self._json if options["json"] else self._text
        with self.progress(len(CHECKS), wanted=options["verbosity"] > 0) as begin, out(alias, found, options) as tell:
            for alarm in watch(
                tenant=tenant,
                series=series,
                using=alias,
                progress=lambda check: begin(f"checking {check.title}"),
                note=found.notes.append,
                refused=lambda told: self.stderr.write(told, self.style.WARNING),
            ):
                found.add(alarm)
                tell(alarm)
            if run is not None:
                note_run(alias, run, counts={"alarms": found.rules.total()})
        said = ""
        if found.rules:
            rules = ", ".join(f"rule {rule}: {count}" for rule, count in sorted(found.rules.items()))
            said = f"The ledger breaks its rules in {counted(found.rules.total(), 'place', 'places')} ({rules})."
        self.conclude(found.verdict(alias, options), first=said, quiet=options["json"])

    def _acknowledge(self, alias: str, options: dict[str, Any]) -> None:
        with transaction.atomic(using=alias):
            said = [
                acknowledge_alarm(alarm, reason=options["reason"], by=options["by"], using=alias)
                for alarm in options["alarm"]
            ]
        if options["json"]:
            self.write_json([{"alarm": event.alarm_id, "acknowledged_at": event.acknowledged_at} for event in said])
        else:
            self.stdout.write(self.style.SUCCESS(f"Acknowledged: {', '.join(map(str, options['alarm']))}."))

    def _alarms(self, alias: str, options: dict[str, Any]) -> None:
        """The unresolved alarms that concern what is asked about, and how it stands."""
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
            lines = [_line(alarm) for alarm in found[: _LINES + 1]]
            if lines:
                self.write_table(header, lines[:_LINES])
            if len(lines) > _LINES:
                self.stdout.write(f"The first {_LINES}; --json has all.")
        self.conclude(verdict, quiet=options["json"])

    def _begin(self, alias: str) -> int | None:
        """Note the full look in the diary of the sweeps, so that everybody knows of it; None where that may not be."""
        try:
            with transaction.atomic(using=alias):
                return SweepRun.objects.using(alias).create(sweep="verify", process=this_process()).pk
        except Error as error:
            if not may_not_write(error):
                raise
            return None

    def _refuse_strangers(self, alias: str, tenant: str | None, series: str | None) -> None:
        # A misspelt name would check nothing, and report that all is well.
        known = Series.objects.using(alias)
        if tenant is not None:
            known = known.filter(tenant=tenant)
        if series is not None:
            known = known.filter(code=series)
        if tenant is None and series is None:
            return
        try:
            with transaction.atomic(using=alias):
                if known.exists():
                    return
                if series is None and Entry.objects.using(alias).filter(tenant=tenant).exists():
                    return  # its series is gone, which is what will be reported
        except ProgrammingError:
            return  # a table is gone, or this role may not read it: that will be reported too
        raise CommandError(
            f"There is no series {series or 'at all'!r}{'' if tenant is None else f' of tenant {tenant!r}'}. "
            "manage.py ledger_series list shows all.",
            returncode=BAD_OPTIONS,
        )

    @contextmanager
    def _text(self, alias: str, found: "_Found", options: dict[str, Any]) -> Iterator[Any]:
        def tell(alarm: Alarm) -> None:
            style = self.style.WARNING if alarm.reason else self.style.ERROR
            self.stdout.write(style(str(alarm)))

        yield tell
        for note in found.notes:
            self.stdout.write(self.style.WARNING(str(note)))
        if not found.rules:
            noted = f", and noted what stands above: {len(found.notes)}" if found.notes else ""
            known = f" but what is acknowledged: {found.total}" if found.total else ""
            self.stdout.write(f"{len(CHECKS)} checks found nothing{known}{noted}.")

    @contextmanager
    def _json(self, alias: str, found: "_Found", options: dict[str, Any]) -> Iterator[Any]:
        """A document in pieces, so that any number of alarms takes no memory."""
        self.stdout.write('{"alarms": [', ending="")

        def tell(alarm: Alarm) -> None:
            separator = "\n" if found.total == 1 else ",\n"
            self.stdout.write(separator + json.dumps(asdict(alarm), cls=MomentEncoder, ensure_ascii=False), ending="")

        yield tell
        verdict = found.verdict(alias, options)
        tail = {
            "ok": verdict.is_in_order,
            "found": found.total,
            "rules": dict(sorted(found.rules.items())),
            "notes": [asdict(note) for note in found.notes],
            "checks": [check.title for check in CHECKS],
            "verdict": verdict.as_dict(),
        }
        self.stdout.write("\n], " + json.dumps(tail, cls=MomentEncoder, ensure_ascii=False)[1:])


@dataclass(slots=True)
class _Found:
    """How much was found, and what nobody has acknowledged: by rule, and by what it is and where."""

    total: int = 0
    rules: Counter[int] = field(default_factory=Counter)
    places: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)

    def add(self, alarm: Alarm) -> None:
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
        """The judge's, with what was found, whether it could be kept or not; every value was looked at just now."""
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
