"""What the commands that run Folio on this machine share: a port, servers, a migrated database, and a login."""

import os
import secrets
import socket
from argparse import ArgumentParser
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from ledger.site import embedded

HOST = "127.0.0.1"
PORT = 8000
#: How many ports are tried after the one that was asked for.
PORTS = 50


def port_number(text: str) -> int:
    """A port option; argparse reports the ValueError with the option's name."""
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


port_number.__name__ = "port"


def add_port_and_login(parser: ArgumentParser, whose_database: str) -> None:
    """The options of a site on this machine; ``whose_database`` says what --login does with DATABASE_URL."""
    parser.add_argument(
        "--port", type=port_number, default=PORT, help=f"Of the site; default {PORT}, the next free one if taken."
    )
    parser.add_argument(
        "--login",
        metavar="NAME",
        help=f"A superuser, made if missing; gets a new password, which is printed. Default: folio. {whose_database}",
    )


def process_environment(**more: str) -> dict[str, str]:
    """The environment of processes that use this process's servers, and start none of their own.

    Raises EmbeddedServerError if the servers aren't installed.
    """
    return {
        "DJANGO_SETTINGS_MODULE": "ledger.site.settings",
        **os.environ,
        "DATABASE_URL": os.environ.get("DATABASE_URL") or embedded.database_url(),
        "REDIS_URL": os.environ.get("REDIS_URL") or embedded.redis_url(),
        **more,
    }


def ports_from(wanted: int) -> range:
    """The ports to try, in order."""
    return range(wanted, min(wanted + PORTS, 65535) + 1)


def free_port(wanted: int) -> int | None:
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
