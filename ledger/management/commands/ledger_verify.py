"""``ledger_verify``: checks the whole ledger against its rules, names each row that breaks one, and keeps alarms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DataError, Error, ProgrammingError, transaction
from django.utils import timezone

from ledger.judging import Fact, Judgement, Kind, Verdict, decide, judge, kind_of
from ledger.management.base import BAD_OPTIONS, LedgerCommand, counted
from ledger.models import Entry, Series, SweepRun
from ledger.moments import MomentEncoder
from ledger.sweeps.notes import note_run, this_process
from ledger.verification import CHECKS, watch
from ledger.verification.alarms import may_not_write
from ledger.verification.findings import Alarm, Note


class Command(LedgerCommand):
    help = (
        "Folds the events and checks what must always hold: continuity, counters, one number for one document, what "
        "waits to be numbered, voids, gaps, closed periods, and whether the database's schema, guards, owners and "
        "privileges are those that the migrations make. Each offending row or object is named, and kept as an alarm "
        "until a later look no longer finds it; notes say what else should be known. Exit code 0: in order; 1: people "
        "have work to do; 2: rows or guards were lost or tampered with, or the options are no good. Checkouts may go "
        "on meanwhile."
    )
    judges = True
    examples = """  manage.py ledger_verify
  manage.py ledger_verify --tenant shop.organization:42 --series invoice
  manage.py ledger_verify --json | jq '.alarms[] | select(.rule == 1)'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--tenant", help="Only this tenant's rows, by its key; '' is the one without a name.")
        parser.add_argument("--series", metavar="CODE", help="Only the rows of series of this code, such as invoice.")
        parser.add_argument("--json", action="store_true", help="Write one JSON document, as the rows are found.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        tenant, series = options["tenant"], options["series"]
        self._refuse_strangers(alias, tenant, series)
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
    def _text(self, alias: str, found: _Found, options: dict[str, Any]) -> Iterator[Any]:
        yield lambda alarm: self.stdout.write(self.style.ERROR(str(alarm)))
        for note in found.notes:
            self.stdout.write(self.style.WARNING(str(note)))
        if not found.rules:
            noted = f", and noted what stands above: {len(found.notes)}" if found.notes else ""
            self.stdout.write(f"{len(CHECKS)} checks found nothing{noted}.")

    @contextmanager
    def _json(self, alias: str, found: _Found, options: dict[str, Any]) -> Iterator[Any]:
        """A document in pieces, so that any number of alarms takes no memory."""
        self.stdout.write('{"alarms": [', ending="")

        def tell(alarm: Alarm) -> None:
            separator = "\n" if found.rules.total() == 1 else ",\n"
            self.stdout.write(separator + json.dumps(asdict(alarm), cls=MomentEncoder, ensure_ascii=False), ending="")

        yield tell
        verdict = found.verdict(alias, options)
        tail = {
            "ok": verdict.is_in_order,
            "found": found.rules.total(),
            "rules": dict(sorted(found.rules.items())),
            "notes": [asdict(note) for note in found.notes],
            "checks": [check.title for check in CHECKS],
            "verdict": verdict.as_dict(),
        }
        self.stdout.write("\n], " + json.dumps(tail, cls=MomentEncoder, ensure_ascii=False)[1:])


@dataclass(slots=True)
class _Found:
    """What was found, by rule, and by what it is and where."""

    rules: Counter[int] = field(default_factory=Counter)
    places: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)

    def add(self, alarm: Alarm) -> None:
        if alarm.rule is not None:
            self.rules[alarm.rule] += 1
        kind = kind_of(alarm.check)
        values = 1 if alarm.value is None or alarm.through is None else alarm.through - alarm.value + 1
        place = (None,) * 3 if alarm.tenant is None else (alarm.tenant, alarm.series, alarm.starts_on)
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
        return decide(judgement.including(facts).facts, as_of=judgement.as_of, looked_at=judgement.as_of)
