"""``ledger_grants``: prints or applies the least that an application's role needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import connections

from ledger.grants import apply_grants, grant_statements, unbound
from ledger.management.base import LedgerCommand


class Command(LedgerCommand):
    help = (
        "Prints the SQL that gives a role the least that issuing and sweeping need: SELECT and INSERT on events, the "
        "rows of the queues, and the counter of a period. With --apply, runs it, as the role that owns the tables. Run "
        "it again after each upgrade. Your project's own tables are not touched. Exit code 0: done; 1: refused; 2: the "
        "options are no good."
    )
    examples = """  manage.py ledger_grants --role shop_app
  manage.py ledger_grants --role shop_app --apply
  manage.py ledger_grants --role shop_admin --admin | psql
  manage.py ledger_grants --role shop_workers --workers --apply
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", required=True, help="The role that the application logs in as.")
        parser.add_argument("--apply", action="store_true", help="Run the statements, in one transaction.")
        parser.add_argument("--admin", action="store_true", help="Also what defining, closing and adopting need.")
        parser.add_argument(
            "--workers",
            action="store_true",
            help="Also what speaking to accounting systems needs: tokens, limits, pushes. Not for a checkout's role.",
        )
        parser.add_argument(
            "--revoke-public",
            action="store_true",
            help="Also take from every other role what PostgreSQL gives to all: the ledger's functions, and temporary "
            "tables in this database (which other applications on it may use).",
        )
        parser.add_argument("--json", action="store_true", help="Write the statements as one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        role, chosen = options["role"], {name: options[name] for name in ("admin", "workers", "revoke_public")}
        statements = grant_statements(role, using=alias, **chosen)
        if options["apply"]:
            apply_grants(role, using=alias, **chosen)
        elif (problem := unbound(role, alias)) is not None:
            self.stderr.write(f"Note: {problem}", self.style.WARNING)
        connection = connections[alias]
        connection.ensure_connection()
        texts = [(statement.why, statement.sql.as_string(connection.connection)) for statement in statements]
        if options["json"]:
            self.write_json(
                {
                    "role": role,
                    "applied": options["apply"],
                    "statements": [{"why": why, "sql": text} for why, text in texts],
                }
            )
        elif options["apply"]:
            self.stdout.write(self.style.SUCCESS(f"Applied {len(texts)} statements: {role!r} has the least it needs."))
        else:
            self.stdout.write("BEGIN;")
            for why, text in texts:
                self.stdout.write(f"-- {why}.\n{text};")
            self.stdout.write("COMMIT;")
