"""Lorikeet 0.2.2 on Django 5.2: real checkouts, and its own test suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT
from tests.hosts import installation
from tests.hosts.own_suites import compare, results, scenarios_output

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
SETTINGS = "tests.hosts.lorikeet_settings"
PACKAGES = ("Django", "djangorestframework", "django-model-utils", "psycopg[binary]")
TESTING = ("pytest", "pytest-django", "factory_boy", "Faker")


@pytest.fixture(scope="module")
def python() -> str:
    try:
        constraints = HERE / "lorikeet-constraints.txt"
        return installation.python("lorikeet", constraints, *PACKAGES, *TESTING, alone=("lorikeet==0.2.2",))
    except installation.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def told(python: str) -> dict[str, Any]:
    """What happened in each scenario, all of one run."""
    environment = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "WITH_FOLIO": "1",
        "PAYMENT_SECONDS": "0.5",
        "PYTHONPATH": str(ROOT),
    }
    said = scenarios_output(python, "tests.hosts.lorikeet_scenarios", "folio_lorikeet", environment)
    facts: dict[str, Any] = json.loads(said.splitlines()[-1])  # it prints something of each payment
    assert facts["verified"] == []
    return facts


def test_paid(told: dict[str, Any]) -> None:
    facts = told["paid"]
    assert facts["status"] == 200
    assert facts["told"] == facts["kept"]
    assert facts["dates"][0] == facts["dates"][1], "purchased_on is its date"


def test_payment_refused(told: dict[str, Any]) -> None:
    status, said = told["payment_refused"]["answer"]
    assert (status, said["reason"]) == (422, "payment")
    assert told["payment_refused"]["unchanged"]


def test_incomplete_cart(told: dict[str, Any]) -> None:
    assert told["incomplete"] == {"status": 422, "reason": "incomplete", "unchanged": True}


def test_empty_pool(told: dict[str, Any]) -> None:
    facts = told["empty_pool"]
    status, said = facts["answer"]
    assert (status, said["reason"], [one["code"] for one in said["info"]]) == (422, "incomplete", ["no_invoice_id"])
    assert [one["code"] for one in facts["shown"]] == ["no_invoice_id"], "the cart says so before anybody checks out"
    assert facts["without"] == 500, "without the check"


def test_recipe_taken_over(told: dict[str, Any]) -> None:
    """Also the last one: Lorikeet asks whether one is free after it was taken."""
    assert told["recipe_taken_over"] == {"statuses": [200, 200, 200, 422], "told": ["B-8", "B-9", "B-10"], "left": 0}


def test_many_at_once(told: dict[str, Any]) -> None:
    facts = told["in_parallel"]
    assert facts["statuses"] == [200] * 12
    first = int(facts["told"][0].rpartition("-")[2])
    assert [int(number.rpartition("-")[2]) for number in facts["told"]] == list(range(first, first + 12))


def test_its_own_suite(python: str, tmp_path: Path) -> None:
    extras = ("--ignore-glob=/*/lorikeet/extras", "-o", "python_files=*test*.py", "--pyargs", "lorikeet")
    without, under = (results(python, SETTINGS, tmp_path, *extras, with_folio=folio) for folio in (False, True))
    figures, worse = compare(without, under)
    assert worse == {}, figures
    assert list(under.values()).count("passed") == 44, figures
    assert len(under) == 50, figures
