"""What the commands share that serve Folio on this machine alone: a port, a migrated database, and a login."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

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


def ports_from(wanted: int) -> range:
    """The ports to try, one after the other."""
    return range(wanted, min(wanted + PORTS, 65535) + 1)


def free_port(wanted: int) -> int | None:
    """The first of these that nobody listens on, for a server that is started in a moment; None if there is none."""
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
    """Make the user a superuser with a new password, which is returned and stands nowhere else."""
    password = secrets.token_urlsafe(12)
    users = get_user_model()
    user, _ = users._default_manager.get_or_create(None, **{users.USERNAME_FIELD: name})
    for right in ("is_active", "is_staff", "is_superuser"):
        setattr(user, right, True)
    user.set_password(password)
    user.save()
    return password
