"""The mark of what takes a minute by design; ``pytest -m 'live and not storm'`` runs the other live tests."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "storm: a minute of kills and crashes, on a PostgreSQL of its own")
