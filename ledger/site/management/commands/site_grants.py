"""``site_grants``: gives the stand-alone site's role what it needs besides the ledger: Django's own tables."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db import connections, transaction
from psycopg.sql import SQL, Composed, Identifier

from ledger.grants import check_name, unbound
from ledger.management.base import LedgerCommand

# Why, which privileges, and on which tables.
_NEEDED = (
    (
        "Logins, and the people and groups that the admin keeps",
        "SELECT, INSERT, UPDATE, DELETE",
        (
            *("auth_user", "auth_user_groups", "auth_user_user_permissions", "auth_group", "auth_group_permissions"),
            "django_session",
        ),
    ),
    # No UPDATE: what was done stays as it was logged. Rows are deleted with their user.
    ("What was done in the admin", "SELECT, INSERT, DELETE", ("django_admin_log",)),
    (
        "What migrate made: models, permissions, and the list of migrations",
        "SELECT",
        ("auth_permission", "django_content_type", "django_migrations"),
    ),
    ("What was pushed to accounting systems", "SELECT", ("ledger_workers_push", "ledger_workers_pushposition")),
)


class Command(LedgerCommand):
    help = (
        "Prints the SQL that gives the role of the stand-alone site what it needs besides the ledger: Django's tables "
        "of accounts and sessions, the admin's log, and read access to what was pushed to accounting systems. With "
        "--apply, runs it, as the role that owns the tables. Run it after ledger_grants, which gives the role what it "
        "needs of the ledger, and takes away everything else there. Exit code 0: done; 1: refused."
    )
    examples = "  manage.py site_grants --role folio_site --apply\n"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", required=True, help="The role that the site logs in as.")
        parser.add_argument("--apply", action="store_true", help="Run the statements, in one transaction.")

    def handle(self, *args: Any, **options: Any) -> None:
        alias = self.alias(options)
        check_name(options["role"])
        if options["apply"] and (problem := unbound(options["role"], alias)) is not None:
            raise problem
        statements = list(_statements(Identifier(options["role"])))
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            for why, statement in statements:
                if options["apply"]:
                    cursor.execute(statement)
                else:
                    self.stdout.write(f"-- {why}.\n{statement.as_string(cursor.connection)};")
        if options["apply"]:
            self.stdout.write(self.style.SUCCESS(f"{options['role']!r} may keep accounts and sessions."))


def _statements(role: Identifier) -> Iterator[tuple[str, Composed]]:
    for why, privileges, tables in _NEEDED:
        names = SQL(", ").join(map(Identifier, tables))
        yield f"{why}: first, nothing", SQL("REVOKE ALL ON TABLE {} FROM {}").format(names, role)
        yield why, SQL("GRANT {} ON TABLE {} TO {}").format(SQL(privileges), names, role)
