"""django-salesman 1.3 and pretix 2026.8: many documents numbered at once, where the originals lose some."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.databases import ROOT
from tests.hosts import installation
from tests.hosts.own_suites import scenarios_output

pytestmark = pytest.mark.live

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("host", "package", "count", "numbered"),
    [("salesman", "django-salesman", 12, {"-": 13}), ("pretix", "pretix", 24, {"Conf 26 ": 24, "Back-": 1})],
)
def test_nobody_waits_and_none_is_lost(host: str, package: str, count: int, numbered: dict[str, int]) -> None:
    try:
        python = installation.python(host, HERE / f"{host}-constraints.txt", package, "psycopg[binary]")
    except installation.Unavailable as reason:
        pytest.skip(str(reason))
    environment = {"DJANGO_SETTINGS_MODULE": f"tests.hosts.{host}_settings", "PYTHONPATH": str(ROOT)}
    said = scenarios_output(python, "tests.hosts.parallel_scenarios", f"folio_{host}", environment, host, str(count))
    facts = json.loads(said.splitlines()[-1])
    assert facts["told"] == facts["kept"]
    for prefix, last in numbered.items():
        values = [int(number.partition(prefix)[2]) for number in facts["told"] if prefix in number]
        assert values == list(range(1, last + 1))
    assert facts["verified"] == []
