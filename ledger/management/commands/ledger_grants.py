"""``ledger_grants``: prints or applies the least privileges that a database role needs for its purposes."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import connections

from ledger.grants import PURPOSES, apply_grants, grant_statements, unbound
from ledger.management.base import LedgerCommand


class Command(LedgerCommand):
    help = (
        "Prints the SQL that gives a role the least that its purposes need: SELECT on what it reads, EXECUTE on what "
        "it does. With --apply, runs it, as the role that owns the tables; migrate then grants it again each time. "
        "A Django process usually has one role with several purposes. Your project's own tables stay as they "
        "are. Exit code 0: done; 1: refused; 2: the options are invalid."
    )
    judges = False
    for_owner = True
    examples = """  manage.py ledger_grants --role shop_app --purpose checkout
  manage.py ledger_grants --role shop_app --purpose checkout --purpose void --apply
  manage.py ledger_grants --role shop_workers --purpose workers --apply
  manage.py ledger_grants --role shop_office --purpose finance --purpose auditor | psql
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", required=True, help="The role that the application logs in as.")
        purposes = " ".join(f"{name}: {purpose.why.lower()}." for name, purpose in PURPOSES.items())
        does = f"What it does; once for each. {purposes}"
        parser.add_argument("--purpose", action="append", required=True, choices=list(PURPOSES), help=does)
        parser.add_argument("--apply", action="store_true", help="Run the statements, in one transaction.")
        public = "Also take temporary tables in this database from every role (which other applications may use)."
        parser.add_argument("--revoke-public", action="store_true", help=public)

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        role, purposes = options["role"], list(dict.fromkeys(options["purpose"]))
        revoke_public = options["revoke_public"]
        statements = grant_statements(role, purposes, revoke_public=revoke_public, using=alias)
        if options["apply"]:
            apply_grants(role, purposes, revoke_public=revoke_public, using=alias)
        elif (problem := unbound(role, alias)) is not None:
            self.stderr.write(f"Note: {problem}", self.style.WARNING)
        connection = connections[alias]
        connection.ensure_connection()
        texts = [(statement.why, statement.sql.as_string(connection.connection)) for statement in statements]
        if options["json"]:
            told = [{"why": why, "sql": text} for why, text in texts]
            self.write_json({"role": role, "applied": options["apply"], "statements": told})
        elif options["apply"]:
            self.stdout.write(self.style.SUCCESS(f"Applied {len(texts)} statements: {role!r} has the least it needs."))
        else:
            self.stdout.write("BEGIN;")
            for why, text in texts:
                self.stdout.write(f"-- {why}.\n{text};")
            self.stdout.write("COMMIT;")
