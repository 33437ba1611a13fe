"""``ledger_register``: a file with a line for every number of one tenant."""

from django.core.management.base import CommandParser

from ledger.management.commands import ledger_report


class Command(ledger_report.Command):
    help = (
        "Writes the register of one tenant's numbers: every value from the first to the last, with its document, date, "
        "moment and state. It reads one snapshot, in constant memory; checkouts continue meanwhile. "
        "Exit code 0: everything adds up, and nothing is left to do; 1: people have work to do; 2: values are lost or "
        "come twice, or the options are invalid, or the format's library is not installed."
    )
    judges = True
    examples = """  manage.py ledger_register --tenant shop.organization:42 --series invoice --output invoices.csv
  manage.py ledger_register --tenant shop.organization:42 --from 2026-11-01 --to 2026-11-30 --output november.xlsx
  manage.py ledger_register --format csv | grep ',missing,'
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(part="register")
