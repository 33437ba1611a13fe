"""``ledger_adopt``: adopts the numbers of a previous system from a file, all of them or none."""

import json
from dataclasses import asdict, astuple
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from ledger.actions import adopt, retire
from ledger.adoption import VOID_REASON, AdoptionResult, BadRow
from ledger.errors import InvalidArgument, LedgerError, UnknownSeries
from ledger.management.base import BAD_OPTIONS, FAILED, BadOptions, LedgerCommand
from ledger.management.file_options import add_layout, add_settings, layout_of, words, write_counts
from ledger.models import Adoption

_SETTINGS = ("template", "calendar", "fiscal_start", "time_zone", "max_length", "start_value", "chronological", "rules")


class Command(LedgerCommand):
    help = (
        "Adopts the numbers of a previous system from a file (CSV, XLSX, ODS, JSON lines); the series then continues "
        "after the highest. Shows what it would do; --apply does it. It takes all of the file or nothing, and names "
        "each bad row with its place and the reason. "
        "Exit code 0: done; 1: the file is refused; 2: the options are invalid."
    )
    judges = False
    examples = r"""  manage.py ledger_adopt old.csv --series invoice --template 'INV-{year}-{counter:06}' \
      --time-zone Europe/Berlin --number-column 'Invoice no' --date-column Date --date-format %d.%m.%Y \
      --void-column Status --where 'Status=Paid|Void' --only-prefix INV-
  manage.py ledger_adopt Rechnungen.xlsx --profile zoho --series invoice --template 'INV-{counter:06}' \
      --calendar never --apply
  manage.py ledger_adopt online-retail-invoices.csv --series invoice --tenant retailer --template '{counter}' \
      --calendar never --time-zone Europe/London --pattern '^(?P<kind>[CA]?)(?P<counter>\d+)$' \
      --customer-column customer --keep-columns country --explain-gaps 'Orders that were never invoiced' --apply
  manage.py ledger_adopt --retire 17 --void-reason 'the history of another shop' --apply
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        file = "A CSV, XLSX or ODS file, or JSON lines, with a header, and one row or more for each document."
        add("file", nargs="?", help=file)
        add("--series", default="", metavar="CODE", help="The series that continues the numbers, such as invoice.")
        self.add_tenant(parser)
        self.add_actor(parser, "Who adopts the numbers; kept with each entry")
        add("--explain-gaps", metavar="TEXT", help="Why numbers are missing; the explanation of every gap in the file.")
        add("--void-reason", default=VOID_REASON, metavar="TEXT", help=f"Reason of voids, by default {VOID_REASON!r}.")
        add("--retire", type=int, metavar="ID", help="Declare all numbers of that adoption void, for --void-reason.")
        add("--apply", action="store_true", help="Do it; without this, only show what it would do.")
        add = parser.add_argument_group("the file").add_argument
        add_layout(add)
        add("--keep-columns", type=words, metavar="A,B,…", help="More columns to keep in the metadata.")
        pattern = "Matches the whole number; the group (?P<counter>…) has the digits of its value, other named groups "
        add("--pattern", metavar="REGEX", help=f"{pattern}are kept in the metadata. By default the series' template.")
        add("--restore-zeros", action="store_true", default=None, help="Write each number again from its counter.")
        add = parser.add_argument_group("the series, if it doesn't exist yet").add_argument
        add_settings(add)
        add("--start-value", type=int, metavar="N", help="The first value of later periods.")
        add("--rules", metavar="CODES", help="The rule sets to check, such as DE or DE,FR-einvoice.")
        add("--chronological", action="store_true", default=None, help="Refuse dates before the last one issued.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if options["retire"] is not None:
            self._retire(alias, options)
            return
        if not options["file"] or not options["series"]:
            raise BadOptions("Name a file, and --series.")
        bad_rows = _BadRows(self, options["json"])
        try:
            with self.progress(None, wanted=options["verbosity"] > 0, always=True) as begin:
                result = adopt(
                    options["file"],
                    series=options["series"],
                    org=options["tenant"],
                    layout=layout_of(options),
                    settings={name: options[name] for name in _SETTINGS if options[name] is not None},
                    void_reason=options["void_reason"],
                    explain_gaps=options["explain_gaps"],
                    by=self.actor(options),
                    dry_run=not options["apply"],
                    on_bad_row=bad_rows.tell,
                    progress=lambda stage, at, of: begin(f"{stage} {10 * (10 * at // of)} %" if of else stage),
                    using=alias,
                )
        except LedgerError as error:
            bad_rows.end(error)
            no_good = isinstance(error, InvalidArgument | UnknownSeries)
            raise CommandError(bad_rows.summary(error), returncode=BAD_OPTIONS if no_good else FAILED) from error
        if options["json"]:
            counts = {"missing": result.missing, "missing_ranges": result.missing_ranges}
            self.write_json({"ok": True, **asdict(result), **counts})
        else:
            self._tell(result, alias)

    def _retire(self, alias: str, options: dict[str, Any]) -> None:
        found = Adoption.objects.using(alias).filter(pk=options["retire"], tenant=options["tenant"]).first()
        problem = "" if found is not None else f"Tenant {options['tenant']!r} has no adoption {options['retire']}."
        if options["file"] or options["void_reason"] == VOID_REASON:
            problem = "--retire takes no file, and needs --void-reason."
        if found is None or problem:
            raise BadOptions(problem)
        with transaction.atomic(using=alias):
            event = retire(found, reason=options["void_reason"], by=self.actor(options))
            transaction.set_rollback(not options["apply"], using=alias)
        if options["json"]:
            self.write_json({"ok": True, "retired": found.pk, "event": event.pk if options["apply"] else None})
            return
        done = "are void" if options["apply"] else "would be void; --apply does it"
        self.stdout.write(f"{found.rows:,} numbers of {found.source} in series {found.series.code} {done}.")
        self.stdout.write("They stay in the ledger: the right file can be adopted only for a tenant of its own.")

    def _tell(self, result: AdoptionResult, alias: str) -> None:
        would = "would be " if result.dry_run else ""
        self.stdout.write(
            f"{result.rows:,} numbers of {result.source} {would}adopted into series {result.series}"
            f"{f' of {result.tenant}' if result.tenant else ''}, {result.voids:,} of them void; "
            f"{result.rows_read:,} rows were read."
        )
        write_counts(self, result)
        header = ("begin with", "numbers", "first", "last", "first date", "last date")
        runs = ((run.prefix or "-", f"{run.numbers:,}", *astuple(run)[2:]) for run in result.runs)
        self.write_table(header, runs)
        if result.contradicting:
            told = f"{result.contradicting:,} numbers contain another date than their document has; both are kept: "
            self.stdout.write(self.style.WARNING(f"{told}{'; '.join(result.examples)}."))
        lines = []
        for one in result.periods:
            counts = (f"{count:,}" for count in (one.rows, one.missing, one.missing_ranges))
            following = one.next_number or "none: the length limit is reached"
            lines.append((one.label, one.first_value, one.last_value, *counts, following))
        self.write_table(("period", "first", "last", "numbers", "missing", "in ranges", "next number"), lines)
        if result.explained:
            self.stdout.write(f"{result.explained:,} gaps {would}explained.")
        elif result.missing_ranges:
            self.stdout.write("No gap is explained; --explain-gaps says why for all of them.")
        if result.dry_run:
            self.stdout.write(self.style.WARNING("Nothing was written; --apply does it."))
        else:
            tenant = f" --tenant {result.tenant}" if result.tenant else ""
            self.stdout.write(f"See manage.py ledger_status --series {result.series}{tenant}.")
            self.stdout.write(f"If it was a mistake: manage.py ledger_adopt --retire {result.adoption}{tenant}.")


class _BadRows:
    """Writes each bad row when it is found, as a line or as streamed JSON, so that memory doesn't grow."""

    def __init__(self, command: LedgerCommand, as_json: bool) -> None:
        self.command = command
        self.as_json = as_json
        self.count = 0

    def tell(self, row: BadRow) -> None:
        self.count += 1
        if not self.as_json:
            self.command.stdout.write(self.command.style.ERROR(str(row)))
            return
        before = '{"ok": false, "bad_rows": [\n' if self.count == 1 else ",\n"
        self.command.stdout.write(before + json.dumps(asdict(row), ensure_ascii=False), ending="")

    def end(self, error: LedgerError) -> None:
        if not self.as_json:
            return
        told = {"problem": error.problem, "rule": error.rule, "remedy": error.remedy}
        head = "\n]" if self.count else '{"ok": false, "bad_rows": []'
        self.command.stdout.write(head + f', "error": {json.dumps(told, ensure_ascii=False)}}}')

    def summary(self, error: LedgerError) -> str:
        """The error without the rows that were shown already."""
        if not self.count:
            return str(error)
        return f"Nothing was adopted: {self.count:,} faults. {error.rule} {error.remedy}"
