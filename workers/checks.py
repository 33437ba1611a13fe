"""System checks of LEDGER_ACCOUNTING. A mistake there stops the sweep that it is about, and no other process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from workers.accounting import credentials


@register("ledger")
def check_accounting(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Keys and values of each system, and its adapter's name; no system is asked, and no credential read."""
    return [
        Error(f"{error.problem} {error.rule}", hint=error.remedy, id="ledger.E008") for error in credentials.problems()
    ]
