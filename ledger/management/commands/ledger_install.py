"""``ledger_install``: makes the ledger's functions and guards again, for the schema where they are now."""

from typing import Any

from django.db import connections, transaction

from ledger.cursors import fetch_value
from ledger.grants import grant_again
from ledger.management.base import LedgerCommand
from ledger.sql import installing
from ledger.verification.catalogue import restore_names

_SCHEMA = "SELECT current_schema()"


class Command(LedgerCommand):
    help = (
        "Makes all functions and guards of the ledger again, in one transaction, as the role that owns the tables. The "
        "functions of a schema look into that schema alone. A schema that was renamed, cloned or restored by another "
        "name needs this, with a search_path on which the ledger's schema comes first. Constraints that cloning gave "
        "other names are renamed. Roles get their purposes again. Rows stay as they are. Exit code 0: done; 1: refused."
    )
    judges = False
    for_owner = True
    examples = """  manage.py ledger_install
  manage.py ledger_install --database shop2 --json
"""

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        with transaction.atomic(using=alias):
            installing.install(connections[alias])
            renamed = restore_names(connections[alias])
            grant_again(alias)
            schema = fetch_value(alias, _SCHEMA)
        functions = len(installing.function_texts())
        done = f"{functions} functions and their guards were made in {schema!r}."
        if renamed:
            done += f" {renamed} constraints got their names back."
        self.answer(options, {"schema": schema, "functions": functions, "constraints": renamed}, done)
