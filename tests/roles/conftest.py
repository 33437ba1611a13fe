"""One database for all tests by role; each test has series of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.roles.logins import Logins, logged_in


@pytest.fixture(scope="package", autouse=True)
def logins(django_db_blocker: Any) -> Iterator[Logins]:
    """Every login, by alias, with what it is for."""
    with django_db_blocker.unblock(), logged_in("folio_roles") as found:
        yield found
