"""LEDGER_COMPAT: what it may say, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ledger.compat.conf import CompatSettings, compat_settings
from ledger.errors import InvalidTenant


def test_defaults(settings: Any) -> None:
    assert compat_settings() == CompatSettings("", False)
    settings.LEDGER_COMPAT = {}
    assert compat_settings() == CompatSettings("", False)


def test_all_of_it(settings: Any) -> None:
    settings.LEDGER_COMPAT = {"SEQUENCES_TENANT": "sequences", "COUNT_ON_OVER_YEARS": True}
    assert compat_settings() == CompatSettings("sequences", True)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"COUNT_ON": True}, "unknown keys COUNT_ON"), ({"COUNT_ON_OVER_YEARS": "yes"}, "must be True or False")],
)
def test_invalid_settings(settings: Any, given: dict[str, Any], told: str) -> None:
    settings.LEDGER_COMPAT = given
    with pytest.raises(ImproperlyConfigured, match=told):
        compat_settings()


def test_an_invalid_tenant(settings: Any) -> None:
    settings.LEDGER_COMPAT = {"SEQUENCES_TENANT": 7}
    with pytest.raises(InvalidTenant):
        compat_settings()
