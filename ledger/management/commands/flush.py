"""``flush``: Django's own, but for a database with a ledger, which it says can't be emptied, and why.

Django's command would try, and then say that the database may not be running.
"""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections

from ledger.testing import refuses_truncate


class Command(flush.Command):
    help = (
        "Django's own command, except that it refuses to empty a database with a ledger, before it asks or does "
        "anything. Elsewhere it removes all rows, also those that migrations made. "
        "Exit code 0: done; 1: refused, or it failed."
    )
    judges = False

    def handle(self, **options: Any) -> None:
        """Flush as Django does. Raises CommandError, before it asks or does anything, if the database has a ledger."""
        connection = connections[options["database"]]
        if refuses_truncate(connection):
            raise CommandError(
                f"The database {connection.settings_dict['NAME']!r} holds a ledger, so it can't be flushed: the "
                "ledger's events refuse TRUNCATE, and whoever could empty it could hide numbers. For an empty ledger, "
                "create a new database and run manage.py migrate on it. In tests, let a test runner create the "
                "database: flush works there. Numbers for trial belong to a tenant, a schema or a database of "
                "their own."
            )
        super().handle(**options)
