"""``ledger_adopt``: takes over the numbers of a previous system from a file, all of them or none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from ledger.actions import adopt, retire
from ledger.adoption import VOID_REASON, AdoptionResult, BadRow, Progress
from ledger.errors import InvalidArgument, LedgerError, UnknownSeries
from ledger.management.base import BAD_OPTIONS, FAILED, LedgerCommand
from ledger.management.layouts import add_layout, layout_of, words
from ledger.models import Adoption

_SETTINGS = ("template", "calendar", "fiscal_start", "time_zone", "max_length", "start_value", "chronological", "rules")


class Command(LedgerCommand):
    help = (
        "Takes over the numbers of a previous system from a file (CSV, XLSX, ODS, JSON lines), as entries of their own "
        "kind; the series then goes on after the highest. Shows what it would do; --apply does it. All of the file or "
        "nothing: each bad row is told with its place and the reason. "
        "Exit code 0: done; 1: the file is refused; 2: the options are no good."
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
        add(
            "file",
            nargs="?",
            help="A CSV, XLSX or ODS file, or JSON lines, with a header; each document has one row or more.",
        )
        add("--series", default="", metavar="CODE", help="The series that goes on with the numbers, such as invoice.")
        add("--tenant", default="", metavar="KEY", help="Who owns the series, such as shop.organization:42.")
        self.add_actor(parser, "Who takes the numbers over; kept with each entry")
        add("--explain-gaps", metavar="TEXT", help="Why numbers are missing in the old run; told of every gap in it.")
        add("--void-reason", default=VOID_REASON, metavar="TEXT", help=f"Reason of voids, by default {VOID_REASON!r}.")
        add("--retire", type=int, metavar="ID", help="Declare all numbers of that adoption void, for --void-reason.")
        add("--apply", action="store_true", help="Do it; otherwise all is rolled back, and told.")
        add("--json", action="store_true", help="Write one JSON document.")
        file = parser.add_argument_group("the file")
        add_layout(file.add_argument)
        self._add_numbering(file.add_argument)
        made = parser.add_argument_group("the series, created so if it doesn't exist yet")
        self._add_settings(made.add_argument)

    def _add_numbering(self, add: Any) -> None:
        add("--keep-columns", type=words, metavar="A,B,…", help="Further columns, kept in the metadata.")
        add(
            "--pattern",
            metavar="REGEX",
            help="Matches the whole number; the group (?P<counter>…) has the digits of its value, other named groups "
            "are kept in the metadata. By default the series' template.",
        )
        add("--restore-zeros", action="store_true", default=None, help="Write numbers anew, as the series does it.")

    def _add_settings(self, add: Any) -> None:
        add("--template", help="Such as INV-{year}-{counter:06}.")
        add("--calendar", help="never, year, fiscal-year, quarter, month, day.")
        add("--fiscal-start", metavar="MM-DD", help="The first day of the fiscal year, such as 04-01.")
        add("--time-zone", metavar="ZONE", help="Decides business dates, such as Europe/London.")
        add("--max-length", type=int, metavar="N", help="The longest number, in characters.")
        add("--start-value", type=int, metavar="N", help="The first value of later periods.")
        add("--rules", metavar="CODES", help="Whose rules are checked, such as DE or DE,FR-einvoice.")
        add("--chronological", action="store_true", default=None, help="Refuse dates before the last one issued.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if options["retire"] is not None:
            self._retire(alias, options)
            return
        if not options["file"] or not options["series"]:
            raise CommandError("Name a file, and --series.", returncode=BAD_OPTIONS)
        bad_rows = _BadRows(self, options["json"])
        try:
            with self._progress(options["verbosity"]) as progress:
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
                    progress=progress,
                    using=alias,
                )
        except LedgerError as error:
            bad_rows.end(error)
            no_good = isinstance(error, InvalidArgument | UnknownSeries)
            raise CommandError(bad_rows.summary(error), returncode=BAD_OPTIONS if no_good else FAILED) from error
        if options["json"]:
            self.write_json({"ok": True, **_document(result)})
        else:
            self._tell(result, alias)

    def _retire(self, alias: str, options: dict[str, Any]) -> None:
        found = Adoption.objects.using(alias).filter(pk=options["retire"], tenant=options["tenant"]).first()
        problem = "" if found is not None else f"Tenant {options['tenant']!r} has no adoption {options['retire']}."
        if options["file"] or options["void_reason"] == VOID_REASON:
            problem = "--retire takes no file, and needs --void-reason."
        if found is None or problem:
            raise CommandError(problem, returncode=BAD_OPTIONS)
        with transaction.atomic(using=alias):
            event = retire(found, reason=options["void_reason"], by=self.actor(options))
            transaction.set_rollback(not options["apply"], using=alias)
        if options["json"]:
            self.write_json({"ok": True, "retired": found.pk, "event": event.pk if options["apply"] else None})
            return
        done = "are void" if options["apply"] else "would be void; --apply does it"
        self.stdout.write(f"{found.rows:,} numbers of {found.source} in series {found.series.code} {done}.")
        self.stdout.write("They stay in the ledger: the right file can be adopted for a tenant of its own alone.")

    def _tell(self, result: AdoptionResult, alias: str) -> None:
        would = "would be " if result.dry_run else ""
        self.stdout.write(
            f"{result.rows:,} numbers of {result.source} {would}adopted into series {result.series}"
            f"{f' of {result.tenant}' if result.tenant else ''}, {result.voids:,} of them void; "
            f"{result.rows_read:,} rows were read."
        )
        for reason, count in result.left_out.items():
            self.stdout.write(f"Left out: {count:,} rows ({reason}).")
        for value, said, count in result.statuses:
            self.stdout.write(f"The void column says {value or 'nothing'!r} {count:,} times: {said}.")
        self.write_table(
            ("begin with", "numbers", "first", "last", "first date", "last date"),
            (
                (
                    one.prefix or "-",
                    f"{one.numbers:,}",
                    one.first_number,
                    one.last_number,
                    one.first_date,
                    one.last_date,
                )
                for one in result.runs
            ),
        )
        if result.contradicting:
            self.stdout.write(
                self.style.WARNING(
                    f"{result.contradicting:,} numbers say another date than theirs; both are kept: "
                    f"{'; '.join(result.examples)}."
                )
            )
        header = ("period", "first", "last", "numbers", "missing", "in ranges", "next number")
        self.write_table(
            header,
            (
                (
                    period.label,
                    period.first_value,
                    period.last_value,
                    f"{period.rows:,}",
                    f"{period.missing:,}",
                    f"{period.missing_ranges:,}",
                    period.next_number or "none: the length limit is reached",
                )
                for period in result.periods
            ),
        )
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

    @contextmanager
    def _progress(self, verbosity: int) -> Iterator[Progress]:
        """A bar where rich and a terminal are at hand, else a line for each stage and each tenth of the file."""
        if verbosity == 0:
            yield lambda stage, done, total: None
            return
        try:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar
        except ModuleNotFoundError:
            yield _Lines(self).tell
            return
        if not self.stderr.isatty():
            yield _Lines(self).tell
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
        )
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading", total=None)

            def tell(stage: str, done: int, total: int) -> None:
                if total:
                    bar.update(task, description=stage, completed=done, total=total)
                else:
                    bar.update(task, description=stage)

            yield tell


class _Lines:
    """Progress as plain lines on standard error."""

    def __init__(self, command: LedgerCommand) -> None:
        self.command = command
        self.told = ""

    def tell(self, stage: str, done: int, total: int) -> None:
        line = f"… {stage} {10 * (10 * done // total)} %" if total else f"… {stage}"
        if line != self.told:
            self.told = line
            self.command.stderr.write(line, self.command.style.NOTICE)


class _BadRows:
    """Bad rows as they are found: lines of text, or a JSON document in pieces, so that any number takes no memory."""

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
        """Finish the JSON document, where one is wanted."""
        if not self.as_json:
            return
        told = {"problem": error.problem, "rule": error.rule, "remedy": error.remedy}
        head = "\n]" if self.count else '{"ok": false, "bad_rows": []'
        self.command.stdout.write(head + f', "error": {json.dumps(told, ensure_ascii=False)}}}')

    def summary(self, error: LedgerError) -> str:
        """The error, without repeating the rows that were told."""
        if not self.count:
            return str(error)
        return f"Nothing was adopted: {self.count:,} faults. {error.rule} {error.remedy}"


def _document(result: AdoptionResult) -> dict[str, Any]:
    return {**asdict(result), "missing": result.missing, "missing_ranges": result.missing_ranges}
