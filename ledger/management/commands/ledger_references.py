"""``ledger_references``: notes under which references an authority knows numbers, from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from ledger.adoption.source import Source, text_lines
from ledger.errors import RegistrationError
from ledger.management.base import LedgerCommand, counted
from ledger.registering import Registration, register_all


class Command(LedgerCommand):
    help = (
        "Notes under which reference an authority knows each number of a CSV file: a KSeF number, an IRN, a CUFE, a "
        "UUID, an ATCUD. All of the file or nothing; what is known already stays as it is, so a file can be taken "
        "twice. Exit code 0: done; 1: refused, with the reason; 2: the options are no good."
    )
    judges = False
    examples = """  manage.py ledger_references ksef.csv --authority 'PL KSeF' --by ada
  manage.py ledger_references irn.csv --authority 'IN IRP' --tenant shop.organization:42 \\
      --number-column DocNo --reference-column Irn
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add = parser.add_argument
        add("file", type=Path, help="A CSV file with a header.")
        add("--authority", required=True, metavar="NAME", help="Who gave the references, such as 'PL KSeF'.")
        add("--tenant", default="", help="The tenant's key; none by default.")
        add("--number-column", default="number", metavar="NAME", help="The number (number).")
        add("--reference-column", default="reference", metavar="NAME", help="The authority's reference (reference).")
        add("--digest-column", metavar="NAME", help="The SHA-256 of what was sent, in hexadecimal.")
        add("--delimiter", default=",", metavar="CHARACTER", help="What stands between two fields (,).")
        add("--encoding", default="utf-8-sig", help="The encoding of the file (utf-8-sig).")
        add("--by", default="", help="Who notes them.")
        add("--json", action="store_true", help="Write one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        read = 0

        def counting() -> Iterator[Registration]:
            nonlocal read
            for registration in _rows(options):
                read += 1
                yield registration

        added = register_all(
            counting(),
            authority=options["authority"],
            by=options["by"],
            org=options["tenant"],
            using=self.alias(options),
        )
        if options["json"]:
            self.write_json({"authority": options["authority"], "rows": read, "added": added})
            return
        told = f"{counted(added, 'number', 'numbers')} registered with {options['authority']}"
        self.stdout.write(self.style.SUCCESS(f"{told}; {read - added:,} of {read:,} were known already."))


def _rows(options: dict[str, Any]) -> Iterator[Registration]:
    names = [options[f"{name}_column"] for name in ("number", "reference", "digest")]
    with Source(options["file"]) as source:
        reader = csv.DictReader(
            text_lines(source, options["encoding"]), delimiter=options["delimiter"], strict=True, restval=""
        )
        header = list(reader.fieldnames or [])
        for name in filter(None, names):
            if header.count(name) != 1:
                raise RegistrationError(
                    f"The file {source.name!r} has {'two columns' if name in header else 'no column'} {name!r}.",
                    rule="Each column that is read stands in the header, once.",
                    remedy=f"Name it, such as --number-column '{header[0] if header else 'Invoice no'}'.",
                )
        for row in reader:
            number, reference, digest = ((row[name] or "").strip() if name else "" for name in names)
            yield Registration(number, reference, digest.lower())
