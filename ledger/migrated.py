"""What is done after each ``migrate``: functions of a clone look at home, defaults are taken over, roles get their
grants again, tests may flush."""

from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.compat.conf import compat_settings
from ledger.compat.new_series import SEQUENCES, sequence_pattern
from ledger.conf import ledger_settings
from ledger.database_errors import made_without_migrations
from ledger.grants import grant_again
from ledger.series import default_series, keep_default
from ledger.sql import installing
from ledger.testing import let_test_database_flush
from ledger.verification.names import restore_names

# Whether the ledger's functions in this schema look into another one.
_LOOKS_ELSEWHERE = """
    SELECT bool_or(NOT 'search_path=pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp' = ANY (proconfig))
    FROM pg_proc
    WHERE proname = 'ledger_issue_serial' AND pronamespace = quote_ident(current_schema())::regnamespace
"""


def prepare(*, using: str, **kwargs: Any) -> None:
    """Bring a migrated database up to what the settings and the granted purposes say; elsewhere do nothing.

    Tests without migrations have tables but no functions: then ``issue`` says what is the matter, and tests of a host
    project that issue no number run all the same.
    """
    connection = connections[using]
    is_home = connection.vendor == "postgresql" and router.allow_migrate(using, "ledger")
    if not is_home or made_without_migrations():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc('ledger_define_default') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
    if _look_elsewhere(connection):
        with transaction.atomic(using=using):
            installing.install(connection)
            restore_names(connection)
    _keep_defaults(using)
    grant_again(using)
    let_test_database_flush(using=using)


def _look_elsewhere(connection: BaseDatabaseWrapper) -> bool:
    """Whether this schema is a clone, or has another name than when its functions were made: see ``ledger_install``."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOKS_ELSEWHERE)
        found: bool | None = cursor.fetchone()[0]
    return bool(found)


def _keep_defaults(using: str) -> None:
    """Take LEDGER["DEFAULT_SERIES"] over, and what every sequence of django-sequences is like."""
    for code in ledger_settings().default_series:
        series = default_series("", code)
        if series is not None:
            keep_default(using, code, series)
    keep_default(using, SEQUENCES, sequence_pattern(), tenant=compat_settings().sequences_tenant)
