"""A database of its own for each file of tests by role, copied from one that was migrated and granted once."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.roles.logins import Logins, logged_in, prepared


@pytest.fixture(scope="package")
def template(django_db_blocker: Any) -> Iterator[Logins]:
    """The roles, with their grants."""
    with django_db_blocker.unblock(), prepared() as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def logins(template: Logins, django_db_blocker: Any) -> Iterator[Logins]:
    """Every login, by alias, with its purpose."""
    with django_db_blocker.unblock(), logged_in(template) as found:
        yield found
