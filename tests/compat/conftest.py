"""Fixtures for the drop-ins."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

_ROLE = "folio_compat"


@pytest.fixture
def least_privileged(transactional_db: None) -> Iterator[str]:
    """A role with exactly the privileges that a checkout needs."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {_ROLE}")
        try:
            call_command("ledger_grants", "--role", _ROLE, "--purpose", "checkout", "--apply", verbosity=0)
            yield _ROLE
        finally:
            cursor.execute("DELETE FROM ledger_rolepurpose")
            cursor.execute(f"DROP OWNED BY {_ROLE}")
            cursor.execute(f"DROP ROLE {_ROLE}")
