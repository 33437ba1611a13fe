"""Order numbers of the ledger in a real django-oscar's checkout."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.databases import ROOT
from tests.hosts import installation
from tests.hosts.own_suites import scenarios_output

Facts = dict[str, Any]

CONSTRAINTS = ROOT / "tests" / "oscar" / "constraints.txt"


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Any]:
    """What happened in each scenario, all of one run."""
    try:
        python = installation.python("oscar", CONSTRAINTS, "django-oscar", "psycopg[binary]", "sorl-thumbnail")
    except installation.Unavailable as reason:
        pytest.skip(str(reason))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.oscar.shop.settings"}
    told: dict[str, Any] = json.loads(scenarios_output(python, "tests.oscar.scenarios", "folio_oscar", environment))
    return told


@pytest.fixture
def facts(request: pytest.FixtureRequest, scenarios: dict[str, Any]) -> Facts:
    """The facts of the scenario that the test is named after."""
    found: Facts = scenarios[request.function.__name__.removeprefix("test_")]
    assert "failed" not in found, found["failed"]
    return found


def test_paid(facts: Facts) -> None:
    [number] = facts["orders"]
    assert number.startswith("ORD-")
    assert facts["told"] == facts["issued"] == [number]
    assert (facts["basket"], facts["shown"], facts["view"]) == ("Submitted", True, "/checkout/thank-you/")


def test_payment_refused_then_paid(facts: Facts) -> None:
    before = facts["before"]
    assert (before["orders"], before["basket"], before["said"]) == ([], "Open", True)
    [number] = facts["issued"]
    assert facts["told"] == [number] * 3
    assert facts["orders"] == [number]


def test_payment_refused_and_given_up(facts: Facts) -> None:
    [number] = facts["issued"]
    assert (facts["orders"], facts["basket"]) == ([], "Open")
    [other] = facts["next_one"]
    assert other > number, "the payment provider knows the first one as the first customer's"


def test_basket_used_again(facts: Facts) -> None:
    before = facts["before"]
    [first] = before["orders"]
    assert before["basket"] == "Open"
    assert facts["orders"] == facts["told"] == facts["issued"]
    assert facts["orders"][0] == first
    assert len(set(facts["orders"])) == 2


def test_ordered_twice(facts: Facts) -> None:
    [number] = facts["orders"]
    kind, said = facts["error"]
    assert kind == "DocumentConflict"
    assert f"has become the order {number} already; it is submitted." in said
    assert facts["issued"] == [number]


def test_voided(facts: Facts) -> None:
    [number] = facts["orders"]
    assert facts["issued"] == [facts["first"], number]
    assert facts["told"] == [number]


def test_one_basket_on_many_connections(facts: Facts) -> None:
    assert facts["numbers"] == facts["issued"]
    assert len(facts["numbers"]) == 1


def test_two_connections_step_by_step(facts: Facts) -> None:
    for how in ("commit", "rollback"):
        told = facts[how]
        assert told["issued"] == [told["theirs"]] == [told["mine"]], how


def test_a_slow_payment(facts: Facts) -> None:
    assert len(facts["meanwhile"]) == len(facts["orders"]) == 1
    assert facts["meanwhile"][0] > facts["orders"][0]


def test_inside_a_transaction(facts: Facts) -> None:
    assert (facts["status"], facts["told"], facts["orders"], facts["issued"]) == (500, [], [], [])
    kind, said = facts["error"]
    assert kind == "NotReservable"
    assert "series 'order' is serial" in said


def test_inside_a_transaction_reserved(facts: Facts) -> None:
    assert facts["orders"] == facts["told"] == facts["issued"] == [facts["first"]]
    assert facts["elsewhere"] > facts["first"]


def test_the_ledger_is_as_it_should_be(scenarios: dict[str, Any]) -> None:
    assert scenarios["verified"] == []
