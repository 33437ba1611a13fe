"""Numbers to push, and a system to push them to: see ``tests.accounting.pushing``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.accounting.pushing import STANDINS, Office, configured, system_settings
from tests.accounting.standins.books import Books


@pytest.fixture
def adapter() -> str:
    """Xero, if a test isn't about all adapters."""
    return "xero"


@pytest.fixture
def books(adapter: str) -> Iterator[Books]:
    with STANDINS[adapter]() as books, configured(books=system_settings(adapter, books.url)):
        yield books


@pytest.fixture
def office(books: Books) -> Office:
    return Office(books)
