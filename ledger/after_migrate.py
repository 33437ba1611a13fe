"""What follows each ``migrate``: a cloned schema gets functions of its own, default series are taken over from the
settings, roles get their grants again, and test databases may be flushed.
"""

from typing import Any

from django.db import connections, transaction

from ledger.compat.conf import compat_settings
from ledger.compat.new_series import SEQUENCES, sequence_pattern
from ledger.conf import ledger_settings
from ledger.cursors import fetch_value
from ledger.database_errors import made_without_migrations
from ledger.databases import may_hold_ledger
from ledger.grants import grant_again
from ledger.series import default_series, keep_default
from ledger.sql import installing
from ledger.testing import let_test_database_flush
from ledger.verification.catalogue import restore_names

_HAS_FUNCTIONS = "SELECT to_regproc('ledger_define_default') IS NOT NULL"

# Whether the ledger's functions in this schema look into another one.
_LOOKS_ELSEWHERE = """
    SELECT bool_or(NOT 'search_path=pg_catalog, ' || quote_ident(current_schema()) || ', pg_temp' = ANY (proconfig))
    FROM pg_proc
    WHERE proname = 'ledger_issue_serial' AND pronamespace = quote_ident(current_schema())::regnamespace
"""


def prepare(*, using: str, **kwargs: Any) -> None:
    """Bring a migrated database up to what the settings and the granted purposes say; elsewhere do nothing.

    Tests without migrations have tables but no functions: then ``issue`` says what is wrong, and tests of a host
    project that issue no number still run.
    """
    if not may_hold_ledger(using) or made_without_migrations():
        return
    if not fetch_value(using, _HAS_FUNCTIONS):
        return
    if fetch_value(using, _LOOKS_ELSEWHERE):  # a clone, or renamed since its functions were made: see ledger_install
        with transaction.atomic(using=using):
            installing.install(connections[using])
            restore_names(connections[using])
    for code in ledger_settings().default_series:
        if (series := default_series("", code)) is not None:
            keep_default(using, code, series)
    # What every sequence of django-sequences is like.
    keep_default(using, SEQUENCES, sequence_pattern(), tenant=compat_settings().sequences_tenant)
    grant_again(using)
    let_test_database_flush(using=using)
