"""``ledger_verify``: checks the whole ledger against its rules, and names each row that breaks one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import ProgrammingError, transaction

from ledger.management.base import BAD_OPTIONS, FAILED, LedgerCommand
from ledger.models import Entry, Series
from ledger.verification import CHECKS, verify
from ledger.verification.findings import Finding, Note


class Command(LedgerCommand):
    help = (
        "Folds the events and checks what must always hold: continuity, counters, one number for one document, what "
        "waits to be numbered, voids, gaps, closed periods, and whether the database's schema, guards, owners and "
        "privileges are those that the migrations make. Exit code 0: all is well, and notes say what else should be "
        "known; 1: each offending row or object is named; 2: the options are no good. Checkouts may go on meanwhile."
    )
    examples = """  manage.py ledger_verify
  manage.py ledger_verify --tenant shop.organization:42 --series invoice
  manage.py ledger_verify --json | jq '.findings[] | select(.rule == 1)'
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
        found: Counter[int] = Counter()
        notes: list[Note] = []
        out = self._json if options["json"] else self._text
        with out(found, notes) as tell, self.progress(len(CHECKS), wanted=options["verbosity"] > 0) as begin:
            for finding in verify(
                tenant=tenant,
                series=series,
                using=alias,
                progress=lambda check: begin(f"checking {check.title}"),
                note=notes.append,
            ):
                found[finding.rule] += 1
                tell(finding)
        if found:
            rules = ", ".join(f"rule {rule}: {count}" for rule, count in sorted(found.items()))
            raise CommandError(f"The ledger breaks its rules in {found.total()} places ({rules}).", returncode=FAILED)

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
    def _text(self, found: Counter[int], notes: list[Note]) -> Iterator[Any]:
        yield lambda finding: self.stdout.write(self.style.ERROR(str(finding)))
        for note in notes:
            self.stdout.write(self.style.WARNING(str(note)))
        if not found:
            noted = f", and noted what stands above: {len(notes)}" if notes else ""
            self.stdout.write(self.style.SUCCESS(f"All is well: {len(CHECKS)} checks found nothing{noted}."))

    @contextmanager
    def _json(self, found: Counter[int], notes: list[Note]) -> Iterator[Any]:
        """A document in pieces, so that any number of findings takes no memory."""
        self.stdout.write('{"findings": [', ending="")

        def tell(finding: Finding) -> None:
            separator = "\n" if found.total() == 1 else ",\n"
            self.stdout.write(separator + json.dumps(asdict(finding), ensure_ascii=False), ending="")

        yield tell
        tail = {
            "ok": not found,
            "found": found.total(),
            "rules": dict(sorted(found.items())),
            "notes": [asdict(note) for note in notes],
            "checks": [check.title for check in CHECKS],
        }
        self.stdout.write("\n], " + json.dumps(tail, ensure_ascii=False)[1:])
