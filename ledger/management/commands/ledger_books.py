"""``ledger_books``: compares the ledger with books in a file, the export of any accounting program."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.errors import InvalidArgument
from ledger.management.base import MOST_LINES, BadOptions, LedgerCommand, counted, days, iso_date
from ledger.management.file_options import add_layout, layout_of, words, write_counts
from ledger.reconciliation import BookSettings
from ledger.reconciliation.files import FileRead, reconcile_file
from ledger.spreadsheets import BadRow


class Command(LedgerCommand):
    help = (
        "Compares the ledger with books in a file: the export of any accounting program (CSV, XLSX, ODS, JSON lines), "
        "with all documents, or with all documents of some days. The findings are like those of a live system. A file "
        "with bad rows is refused, and these are listed. The database's role needs the purpose workers. Exit code 0: "
        "no finding is unresolved; 1: a finding is unresolved, or the file is refused; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_books invoices.csv --system xero --profile xero
  manage.py ledger_books EXTF_November.csv --system datev --profile datev --from 2026-11-01 --to 2026-11-30
  manage.py ledger_books list.xlsx --system books --number-column 'Invoice no' --date-column Date --dry-run
  manage.py ledger_books all.csv --system books --kind-column Type --kinds invoice=Invoice --kinds credit-note=Credit
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        add("file", help="A CSV, XLSX or ODS file, or JSON lines, with a header.")
        add("--system", required=True, metavar="NAME", help="The name of the books; the next file has the same.")
        self.add_tenant(parser)
        series = "The series whose numbers must be there; by default all of the tenant. Where a code is no kind of "
        add("--series", type=words, metavar="A,B,…", help=f"{series}document, name the kind: rma=credit-note.")
        add("--from", dest="first", type=iso_date, metavar="DATE", help="The file has everything from this day on.")
        add("--to", dest="last", type=iso_date, metavar="DATE", help="And up to this day; without both, everything.")
        add("--as-of", type=iso_date, metavar="DATE", help="Exported at the end of this day; by default of --to.")
        add("--grace", type=days, default="1", metavar="DAYS", help="How long a number may be missing there (1).")
        add("--foreign", choices=("report", "ignore"), default="report", help="Numbers there that fit no series.")
        add("--dry-run", action="store_true", help="Show what would be found, and write nothing.")
        file = parser.add_argument_group("the file").add_argument
        add_layout(file)
        file("--id-column", metavar="COLUMN", help="The program's own key of a document, which no other ever gets.")
        file("--total-column", metavar="COLUMN", help="The amount, where it is to be compared.")
        file("--decimal-comma", action="store_true", default=None, help="Amounts are written like 1.234,50.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        if (options["first"] is None) != (options["last"] is None):
            raise BadOptions("--from and --to go together.")
        bad: list[BadRow] = []
        series = [one.partition("=") for one in options["series"] or ()]
        try:
            read = reconcile_file(
                options["file"],
                BookSettings(
                    series=tuple(code for code, _, _ in series) or None,
                    grace=options["grace"],
                    kinds={code: kind for code, _, kind in series if kind},
                    **{name: options[name] for name in ("system", "tenant", "foreign")},
                ),
                layout_of(options),
                complete=None if options["first"] is None else (options["first"], options["last"]),
                as_of=options["as_of"],
                on_bad_row=lambda row: bad.append(row) if len(bad) < MOST_LINES else None,
                dry_run=options["dry_run"],
                using=alias,
            )
        except InvalidArgument as error:
            raise BadOptions(str(error)) from error
        finally:
            for row in bad:
                self.stderr.write(str(row), self.style.ERROR)
        if options["json"]:
            self.write_json(read.as_dict())
        else:
            self._tell(read)
        if still := [finding for finding in read.findings if not finding.is_acknowledged]:
            told = counted(len(still), "finding is unresolved", "findings are unresolved")
            raise CommandError(f"{told}.")

    def _tell(self, read: FileRead) -> None:
        self.stdout.write(f"{read.rows_read:,} rows of {read.source} have {read.documents:,} documents.")
        if read.kinds:
            self.stdout.write(f"Of these: {', '.join(f'{count:,} {kind}' for kind, count in read.kinds.items())}.")
        for code, kind in read.compared.unread.items():
            self.stdout.write(self.style.WARNING(f"Series {code} isn't compared: the file has no kind {kind}."))
        if not read.described:
            self.stdout.write(self.style.WARNING("Not all amounts are compared yet: read the file once more."))
        write_counts(self, read)
        if read.findings:
            rows = ((one.id, one.number, one.meaning, one.document) for one in read.findings[:MOST_LINES])
            self.write_table(("id", "number", "what", "document"), rows)
        else:
            self.stdout.write(self.style.SUCCESS("Nothing differs."))
        if read.dry_run:
            self.stdout.write(self.style.WARNING("Nothing was written; without --dry-run it is."))
