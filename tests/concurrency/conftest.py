"""Fixtures of the races."""

import pytest

from tests.allocations import ALL, UNLOCKED


@pytest.fixture(params=ALL)
def allocation(request: pytest.FixtureRequest) -> str:
    """Each allocation in turn."""
    return str(request.param)


@pytest.fixture(params=UNLOCKED)
def unlocked(request: pytest.FixtureRequest) -> str:
    """Each allocation in turn in which no checkout waits for another."""
    return str(request.param)
