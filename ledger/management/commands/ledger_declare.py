"""``ledger_declare``: writes the files that tell an authority of issued, cancelled and missing numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from ledger.actions import declare
from ledger.durability import wait_for_flush
from ledger.errors import DeclarationError
from ledger.management.base import BadOptions, LedgerCommand, path
from ledger.models import GapDeclared
from ledger.reports.official import Document, Format, all_formats


class Command(LedgerCommand):
    help = (
        "Writes the official files that declare numbers to an authority, and notes that they were handed in: "
        "--handed-in appends GapDeclared for each missing number that the file declares. Exit code 0: done, or there "
        "is nothing to declare; 1: refused, with the reason; 2: the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_declare gstr1 --tenant mumbai --month 2026-04 --gstin 27AAPFU0939F1ZV \\
      --map invoice=1 --map credit-note=5 --output gstr1.json
  manage.py ledger_declare gstr1 … --output gstr1.json --handed-in AA270426123456B
  manage.py ledger_declare nfe --series nfe-1 --cnpj 12345678000195 --state 35 --serie 1 \\
      --justification 'Falha do sistema na emissao' --sign shop.signing:sign --output requests/
  manage.py ledger_declare nfe … --range 120-125 --handed-in 135260000000001
"""

    def add_arguments(self, parser: CommandParser) -> None:
        formats = parser.add_subparsers(dest="format", required=True, metavar=" | ".join(all_formats()))
        for made in all_formats().values():
            one = formats.add_parser(made.name, help=made.title)
            super().add_arguments(one)
            made.add_options(one)
            self.add_tenant(one)
            what = "The folder of the files" if made.several else "The file; standard output by default"
            one.add_argument("--output", type=path, metavar="PATH", help=f"{what}.")
            receipt = "It was handed in, and this is the protocol or receipt: append GapDeclared."
            one.add_argument("--handed-in", metavar="RECEIPT", help=receipt)
            self.add_actor(one, "Who handed it in")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        chosen = all_formats()[options["format"]]
        to_standard_output = options["output"] is None and options["handed_in"] is None
        if to_standard_output and (chosen.several or options["json"]):
            raise BadOptions("Pass --output: where the files go.")
        documents = chosen.documents(tenant=options["tenant"], options=options, using=alias)
        wait_for_flush(alias)
        for document in documents:
            for warning in document.warnings:
                self.stderr.write(warning, self.style.WARNING)
        events: list[GapDeclared] = []
        if options["handed_in"] is not None:
            events = self._hand_in(chosen, documents, options, alias)
        elif to_standard_output:
            self.stdout.write(documents[0].content.decode(), ending="")
            return
        else:
            self._write(chosen, documents, options["output"])
        if options["json"]:
            written = [{"name": one.name, "told": one.told, "warnings": one.warnings} for one in documents]
            declared = [{"id": one.pk, "first": one.first_value, "last": one.last_value} for one in events]
            self.write_json({"documents": written, "declared": declared})
            return
        for document in documents:
            self.stdout.write(f"{document.name}: {document.told}.")
        if not documents:
            self.stdout.write("There is nothing to declare.")
        if options["handed_in"] is not None:
            count = sum(event.last_value - event.first_value + 1 for event in events)
            self.stdout.write(self.style.SUCCESS(f"{count:,} missing numbers noted as declared to {chosen.authority}."))

    def _hand_in(
        self, chosen: Format, documents: Sequence[Document], options: dict[str, Any], alias: str
    ) -> list[GapDeclared]:
        chosen.check_handed_in(documents, options)
        if options["output"] is not None and not chosen.several:
            _refuse_another(options["output"], documents[0])
        return declare(
            [gap for document in documents for gap in document.gaps],
            authority=chosen.authority,
            reference=options["handed_in"],
            justification=chosen.justification(options),
            by=self.actor(options),
            using=alias,
        )

    def _write(self, chosen: Format, documents: Sequence[Document], output: Path) -> None:
        try:
            if chosen.several:
                output.mkdir(parents=True, exist_ok=True)
            for document in documents:
                (output / document.name if chosen.several else output).write_bytes(document.content)
        except OSError as error:
            raise BadOptions(f"{output} can't be written: {error}.") from error


def _refuse_another(path: Path, document: Document) -> None:
    """Refuse a file that differs from what the ledger would write now: its gaps would be the wrong ones."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadOptions(f"{path} can't be read: {error}.") from error
    if content != document.content:
        raise DeclarationError(
            f"The file {path} is not what the ledger says now.",
            rule="A declaration is noted as it was handed in.",
            remedy="Write the file again and look at the difference. Without --output, what it says now is noted.",
        )
