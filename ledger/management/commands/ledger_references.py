"""``ledger_references``: keeps the references by which an authority knows numbers, from a file."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from ledger.errors import TableError
from ledger.management.base import LedgerCommand, counted, path
from ledger.references import Reference, add_references
from ledger.spreadsheets import Layout, open_table, text_of


class Command(LedgerCommand):
    help = (
        "Keeps the reference by which an authority knows each number of a file: a KSeF number, an IRN, a CUFE, a "
        "UUID, an ATCUD. It takes all of the file or nothing. Known references stay as they are: a file can be taken "
        "twice. Exit code 0: done; 1: refused, with the reason; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_references ksef.csv --authority 'PL KSeF' --by ada
  manage.py ledger_references irn.csv --authority 'IN IRP' --tenant shop.organization:42 \\
      --number-column DocNo --reference-column Irn
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        add("file", type=path, help="A CSV, XLSX or ODS file, or JSON lines.")
        add("--authority", required=True, metavar="NAME", help="Who gave the references, such as 'PL KSeF'.")
        self.add_tenant(parser)
        add("--number-column", default="number", metavar="NAME", help="The number (number).")
        add("--reference-column", default="reference", metavar="NAME", help="The authority's reference (reference).")
        add("--digest-column", metavar="NAME", help="The SHA-256 of what was sent, in hexadecimal.")
        add("--delimiter", metavar="CHARACTER", help="What stands between two fields; found by default.")
        add("--encoding", help="By default UTF-8, or as the file's byte order mark says.")
        self.add_actor(parser, "Who keeps them")

    def handle(self, *args: Any, **options: Any) -> None:
        read = 0

        def counting() -> Iterator[Reference]:
            nonlocal read
            for registration in _rows(options):
                read += 1
                yield registration

        what = {"authority": options["authority"], "by": self.actor(options), "org": options["tenant"]}
        added = add_references(counting(), **what, using=self.alias(options))
        told = f"{counted(added, 'number', 'numbers')} registered with {options['authority']}"
        document = {"authority": options["authority"], "rows": read, "added": added}
        self.answer(options, document, f"{told}; {read - added:,} of {read:,} were known already.")


def _rows(options: dict[str, Any]) -> Iterator[Reference]:
    names = [options["number_column"], options["reference_column"], *filter(None, [options["digest_column"]])]
    layout = Layout(delimiter=options["delimiter"], encoding=options["encoding"])
    with open_table(options["file"], layout, tuple(names)) as table:
        places = [table.column(name) for name in names]
        for record in table.records:
            if record.problem:
                raise TableError(
                    f"{table.name!r}, {table.place(record.row)}: {record.problem}.",
                    rule="All of a file is taken, or nothing.",
                    remedy="Correct the row, and take the file again.",
                )
            if any(text_of(cell) for cell in record.cells):
                cells = [text_of(record.cells[at]) if at < len(record.cells) else "" for at in places]
                yield Reference(cells[0], cells[1], "".join(cells[2:]).lower())
