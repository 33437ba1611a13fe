"""``ledger_documents``: numbers whose document no longer exists."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from ledger import missing_documents
from ledger.actions import acknowledge
from ledger.errors import ReconciliationError
from ledger.judging import judge
from ledger.management.base import LedgerCommand
from ledger.models import FindingKind
from ledger.reconciliation import findings
from ledger.timestamps import timestamp

#: How many entries' documents are looked for at a time.
_BATCH = 5000


class Command(LedgerCommand):
    help = (
        "Looks for the documents of all numbers, where they are rows of a model with a NumberField or of one that "
        "LEDGER['DOCUMENTS'] names, and names each number whose row is gone. look is the default; explain "
        "says why a number may stand without its document. Exit code 0: in order; 1: people have work to do, or "
        "something was refused; 2: the ledger is lost or tampered, or the options are invalid."
    )
    judges = True
    examples = """  manage.py ledger_documents
  manage.py ledger_documents look --tenant shop.organization:42
  manage.py ledger_documents explain INV-2026-000124 --reason 'erased on request, the PDF is in the archive' --by ada
  manage.py ledger_documents --json | jq '.numbers[] | .number'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="look | explain")
        parser.set_defaults(action="look")
        for looking in (parser, actions.add_parser("look", help="Which documents are gone.")):
            super().add_arguments(looking)
            self.add_chosen(looking, series=False)
        explaining = actions.add_parser("explain", help="Say why a number may stand without its document.")
        super().add_arguments(explaining)
        explaining.add_argument("number", nargs="+", help="A number that was named, such as INV-2026-000124.")
        explaining.add_argument("--reason", required=True, help="What an auditor will read.")
        self.add_actor(explaining, "Who says so")
        self.add_tenant(explaining)

    def _look(self, alias: str, options: dict[str, Any]) -> None:
        self.refuse_unknown(alias, options["tenant"], None)
        tenant, failed = options["tenant"], []
        for ids in missing_documents.numbers(alias, _BATCH, tenant=tenant):
            _, failures = missing_documents.look(alias, ids)
            failed += failures.told
        gone = findings(tenant=tenant, kind=FindingKind.NO_DOCUMENT, using=alias)
        if options["json"]:
            watched = sorted(missing_documents.watched())
            self.write_json({"watched": watched, "numbers": [one.as_dict() for one in gone]})
        else:
            rows = [(x.number, x.document, x.tenant, timestamp(x.raised_at), x.reason) for x in gone]
            if rows:
                self.write_table(("number", "document", "tenant", "found", "why it may stand"), rows)
            else:
                self.stdout.write(f"Looked for rows of {', '.join(sorted(missing_documents.watched())) or 'no model'}.")
        verdict = judge(tenant=tenant, sweeps=(), using=alias).verdict
        self.conclude(verdict, first="; ".join(dict.fromkeys(failed)), quiet=options["json"])

    def _explain(self, alias: str, options: dict[str, Any]) -> None:
        tenant = options["tenant"]
        known = {one.subject: one for one in findings(tenant=tenant, kind=FindingKind.NO_DOCUMENT, using=alias)}
        unknown = [number for number in options["number"] if number.upper() not in known]
        if unknown:
            raise ReconciliationError(
                f"Tenant {tenant!r} has no number {unknown[0]!r} whose document was found to be gone.",
                rule="Only a number that a look has named, and that still has no document, can be explained.",
                remedy="See manage.py ledger_documents; nothing has been written.",
            )
        with transaction.atomic(using=alias):
            for number in dict.fromkeys(number.upper() for number in options["number"]):
                acknowledge(known[number], reason=options["reason"], by=self.actor(options), using=alias)
        explained = [known[number.upper()].number for number in options["number"]]
        self.answer(options, {"explained": explained}, f"Explained {', '.join(explained)}.")
