"""``ledger_lorikeet``: takes over the invoice IDs that Lorikeet's recipe keeps in a table, as the pool of a series."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.core.management.base import CommandError, CommandParser

from ledger.compat.lorikeet import take_over
from ledger.management.base import BAD_OPTIONS, LedgerCommand, counted, iso_date


class Command(LedgerCommand):
    help = (
        "Moves the rows of the model InvoiceID of Lorikeet's recipe into the pool of drafts of a remote series: all or "
        "none, shorter numbers first. Rows that a checkout holds stay, and are counted; run it again later. Exit code "
        "0: done; 1: refused, and nothing was moved; 2: the options are no good."
    )
    examples = """  manage.py ledger_lorikeet shop.InvoiceID --series invoice --dry-run
  manage.py ledger_lorikeet shop.InvoiceID --series invoice --id-field xero_id
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", help="The recipe's model, as app.Model; its primary key is the number.")
        parser.add_argument("--series", required=True, help="The code of a remote series.")
        parser.add_argument("--tenant", default="", help="Whose series it is.")
        parser.add_argument(
            "--id-field", default="", metavar="FIELD", help="The accounting system's own key, if it isn't the number."
        )
        parser.add_argument("--on", type=iso_date, help="A day of the period that they belong to; by default today.")
        parser.add_argument("--dry-run", action="store_true", help="Tell what would be done, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Write the result as one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        try:
            model = apps.get_model(options["model"])
            if options["id_field"]:
                model._meta.get_field(options["id_field"])
        except (LookupError, ValueError, FieldDoesNotExist) as error:
            raise CommandError(f"{options['model']!r} names no such model: {error}", returncode=BAD_OPTIONS) from error
        done = take_over(
            model,
            series=options["series"],
            org=options["tenant"],
            on=options["on"],
            id_field=options["id_field"],
            dry_run=options["dry_run"],
            using=alias,
        )
        if options["json"]:
            self.write_json({**asdict(done), "dry_run": options["dry_run"]})
            return
        verb = "would come" if options["dry_run"] else "came"
        self.stdout.write(
            self.style.SUCCESS(
                f"{counted(done.numbers, 'invoice ID', 'invoice IDs')} {verb} into the pool of {options['series']}."
            )
        )
        if done.in_flight:
            told = counted(done.in_flight, "is held by a checkout", "are held by checkouts")
            self.stdout.write(f"{told} just now: run it again when that is over.")
