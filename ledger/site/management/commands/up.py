"""``make up``: the whole product on this machine, without Docker: PostgreSQL, Redis, site, worker and beat."""

import os
import secrets
import shlex
import socket
import sys
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from ledger.management.base import LedgerCommand
from ledger.site import embedded

HOST = "127.0.0.1"
PORT = 8000
#: How many ports are tried after the one that was asked for.
PORTS = 50


class Command(LedgerCommand):
    help = (
        "Start everything on this machine: the embedded PostgreSQL and Redis (or those of DATABASE_URL and REDIS_URL), "
        "the site, a worker and a beat, with their logs side by side. Ctrl-C stops all of it; if one of them ends, all "
        "do. All use one database role, which owns the tables: for development, not for customers; docker-compose.yml "
        "has a role for each process. Exit code 0: it was stopped; 1: one of them failed."
    )
    examples = """  manage.py up
  manage.py up --port 8080
  DATABASE_URL=postgresql://… REDIS_URL=redis://… manage.py up --login maria
"""

    def add_arguments(self, parser: CommandParser) -> None:
        add_port_and_login(parser, "If DATABASE_URL names a database of your own: none unless named.")

    def handle(self, *args: Any, port: int, login: str | None, **options: Any) -> None:
        """Runs until Ctrl-C or SIGTERM."""
        try:
            from honcho.manager import Manager
            from honcho.printer import Printer
        except ModuleNotFoundError as error:
            raise CommandError(f"{error}: pip install 'django-folio[up]' brings what this command starts.") from error
        name = login or ("" if os.environ.get("DATABASE_URL") else "folio")
        try:
            environment = embedded.process_environment(PYTHONUNBUFFERED="1")
        except embedded.EmbeddedServerError as error:
            raise CommandError(str(error)) from error
        migrate_if_needed(self.stdout.write)
        found = _free_port(port)
        if found is None:
            raise CommandError(f"The ports from {port} on are taken. Choose another --port.")
        if found != port:
            self.stdout.write(f"Port {port} is taken, so this is {found}.")
        if name:
            password = reset_superuser(name)
            self.stdout.write(f"Login:    {name}\nPassword: {password}")
        self.stdout.write(f"Pages:    http://{HOST}:{found}/ledger/")
        self.stdout.write(f"Admin:    http://{HOST}:{found}/admin/")
        self.stdout.write(f"Health:   http://{HOST}:{found}/healthz")
        self.stdout.write("Ctrl-C stops it all.")
        self.stdout.flush()
        connections.close_all()  # the processes that start now must not share them

        manager = Manager(Printer(sys.stdout))
        for what, command in _commands(found).items():
            # `exec`, so that a signal reaches the process itself and not a shell around it.
            manager.add_process(what, f"exec {shlex.join(command)}", env=environment)
        manager.loop()
        # 130 and 143 are Ctrl-C and SIGTERM, as a shell would say it.
        if manager.returncode not in (130, 143):
            raise CommandError("One of the processes ended by itself; its log above says why.")
        self.stdout.write("Stopped.")


def _commands(port: int) -> dict[str, list[str]]:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "workers"]
    schedule = embedded.home() / "beat-schedule"
    return {
        "site": [
            *(sys.executable, "-m", "gunicorn", "ledger.site.wsgi", f"--bind={HOST}:{port}"),
            *("--threads=8", "--no-control-socket"),
        ],
        "worker": [*celery, "worker", "--loglevel=INFO", "--without-gossip", "--without-mingle"],
        # Without a pid file: after a crash, an old one would keep beat from starting.
        "beat": [*celery, "beat", "--loglevel=INFO", f"--schedule={schedule}", "--pidfile="],
    }


def port_number(text: str) -> int:
    """A port option; argparse reports the ValueError with the option's name."""
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


port_number.__name__ = "port"


def add_port_and_login(parser: CommandParser, whose_database: str) -> None:
    """The options of a site on this machine; ``whose_database`` says what --login does with DATABASE_URL."""
    parser.add_argument(
        "--port", type=port_number, default=PORT, help=f"Of the site; default {PORT}, the next free one if taken."
    )
    parser.add_argument(
        "--login",
        metavar="NAME",
        help=f"A superuser, made if missing; gets a new password, which is printed. Default: folio. {whose_database}",
    )


def ports_from(wanted: int) -> range:
    """The ports to try, in order."""
    return range(wanted, min(wanted + PORTS, 65535) + 1)


def _free_port(wanted: int) -> int | None:
    """The first of these ports that is free, for a server that starts at once; or None."""
    for port in ports_from(wanted):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    return None


def migrate_if_needed(tell: Callable[[str], object]) -> None:
    """Migrate the database, and say so, unless it is migrated."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        tell("Migrating the database …")
        call_command("migrate", interactive=False, verbosity=0)


def reset_superuser(name: str) -> str:
    """Make the user a superuser with a new password, which is returned and kept nowhere."""
    password = secrets.token_urlsafe(12)
    users = get_user_model()
    user, _ = users._default_manager.get_or_create(None, **{users.USERNAME_FIELD: name})
    for right in ("is_active", "is_staff", "is_superuser"):
        setattr(user, right, True)
    user.set_password(password)
    user.save()
    return password
