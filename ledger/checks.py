"""System checks: what a project should hear before its first invoice. Those that ask the database need --database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from ledger.conf import ledger_settings
from ledger.errors import LedgerError

_OLDEST = 150000  # PostgreSQL 15


@register("ledger")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The setting LEDGER is read, and each default series is tried."""
    from ledger.series import default_series

    try:
        codes = list(ledger_settings().default_series)
    except ImproperlyConfigured as error:
        return [Error(str(error), id="ledger.E001")]
    messages: list[CheckMessage] = []
    for code in codes:
        try:
            default_series("", code)
        except LedgerError as error:
            messages.append(Error(f"LEDGER['DEFAULT_SERIES'][{code!r}]: {error}", id="ledger.E002"))
    return messages


@register(Tags.database)
def check_databases(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Version, isolation level, and who owns the event tables."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "postgresql":
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('ledger_entry') IS NOT NULL, current_setting('server_version_num')::int")
            installed, version = cursor.fetchone()
            if not installed:
                continue
            if version < _OLDEST:
                messages.append(
                    Error(
                        f"The database {alias!r} is PostgreSQL {version // 10000}; Folio needs 15 or newer.",
                        id="ledger.E003",
                    )
                )
            messages += _check_owner(alias, cursor)
            messages += _check_isolation(alias, cursor)
    return messages


def _check_owner(alias: str, cursor: Any) -> list[CheckMessage]:
    cursor.execute(
        "SELECT pg_has_role(current_user, relowner, 'MEMBER'), current_user FROM pg_class"
        " WHERE oid = to_regclass('ledger_entry')"
    )
    owns, role = cursor.fetchone()
    if not owns:
        return []
    return [
        checks.Warning(
            f"The role {role!r} of database {alias!r} owns the ledger's tables, so it could drop their triggers.",
            hint="Let the application log in as a role with SELECT and INSERT alone on events: "
            "manage.py ledger_grants --role NAME prints what it needs. Migrate as the owner.",
            id="ledger.W001",
        )
    ]


def _check_isolation(alias: str, cursor: Any) -> list[CheckMessage]:
    cursor.execute("SELECT current_setting('default_transaction_isolation'), current_setting('transaction_isolation')")
    levels = {level for level in cursor.fetchone() if level in ("repeatable read", "serializable")}
    if not levels:
        return []
    return [
        checks.Warning(
            f"The database {alias!r} works under {levels.pop().upper()}.",
            hint="Numbers stay right, but a hot counter does half the work, with about five retries for each commit "
            "(measured with 8 threads). Folio is made for READ COMMITTED.",
            id="ledger.W002",
        )
    ]
