"""``make admin``: the admin on this machine with a ready login, to look at what the demo wrote."""

import errno
import os
import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application
from django.db import connection

from ledger.management.base import LedgerCommand
from ledger.models import Entry
from ledger.site import embedded
from ledger.site.management.commands.up import HOST, add_port_and_login, migrate_if_needed, ports_from, reset_superuser


class Command(LedgerCommand):
    help = (
        "Serve the admin on this machine alone, with a superuser who gets a new password at each start; it is printed. "
        "Migrates the database first if needed."
    )

    examples = """  manage.py admin_site --port 8080 --settings tests.demo.settings
  DATABASE_URL=postgresql://… manage.py admin_site --login maria --settings tests.demo.settings
"""

    def add_arguments(self, parser: CommandParser) -> None:
        add_port_and_login(parser, "Needed if DATABASE_URL names a database of your own.")

    def handle(self, *args: Any, port: int, login: str | None, **options: Any) -> None:
        """Runs until Ctrl-C or SIGTERM."""
        if os.environ.get("DATABASE_URL") and not login:
            raise CommandError(
                "DATABASE_URL names a database of your own, and this command resets a superuser's password. "
                "Name the superuser: admin_site --login NAME."
            )
        try:
            migrate_if_needed(self.stdout.write)
        except embedded.EmbeddedServerError as error:
            raise CommandError(str(error)) from error
        # The port comes first: without a free one, no password is reset.
        with self._server(port) as server:
            name = login or "folio"
            password = reset_superuser(name)
            if not Entry.objects.exists():
                self.stdout.write("The ledger is empty so far: make demo fills it.")
            self.stdout.write(f"Pages:    http://{HOST}:{server.server_address[1]}/ledger/")
            self.stdout.write(f"Admin:    http://{HOST}:{server.server_address[1]}/admin/")
            self.stdout.write(f"Login:    {name}\nPassword: {password}")
            self.stdout.write("Ctrl-C stops it.")
            self.stdout.flush()
            connection.close()  # each request opens its own
            _serve(server)
        self.stdout.write("Stopped.")

    def _server(self, wanted: int) -> ThreadedWSGIServer:
        for port in ports_from(wanted):
            try:
                server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise CommandError(
                        f"Port {port} can't be used: {error.strerror}. Choose another --port."
                    ) from error
                continue
            server.set_app(get_internal_wsgi_application())
            if port != wanted:
                self.stdout.write(f"Port {wanted} is taken, so this is {port}.")
            return server
        raise CommandError(f"All ports from {wanted} to {port} are taken. Choose another --port.")


def _serve(server: ThreadedWSGIServer) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    # Without this, SIGTERM would end the process before the embedded PostgreSQL is told.
    before = signal.signal(signal.SIGTERM, stop)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
