"""Systems and credentials of the settings: they are found, or the error names what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings

from tests.accounting.memory_tokens import MemoryTokens
from workers.accounting import credentials, errors, systems
from workers.accounting.http_options import HttpOptions
from workers.accounting.oauth import SharedTokens
from workers.accounting.quota import SharedLimiter
from workers.accounting.xero import Xero

BOOKS = {
    "adapter": "xero",
    "organisation": "org-1",
    "credentials": {"ENV": "XERO_TEST_"},
    "options": {"page_size": 200},
}


def settings(**systems: Any) -> override_settings:
    return override_settings(LEDGER_ACCOUNTING={"SYSTEMS": systems})


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XERO_TEST_CLIENT_ID", " an-id\n")
    with settings(books=BOOKS):
        found = systems.system("books").credentials
    assert found["client_id"].reveal() == "an-id"
    assert found.get("refresh_token") is None
    with pytest.raises(errors.Misconfigured, match="the environment variable XERO_TEST_CLIENT_SECRET is missing"):
        found["client_secret"]
    assert "an-id" not in repr(found) + repr(systems.System("books", "xero", found))


def test_credentials_of_the_settings() -> None:
    with settings(books={**BOOKS, "credentials": {"client_id": "sesame-1"}}):
        system = systems.system("books")
    assert system.credentials["client_id"].reveal() == "sesame-1"
    assert "sesame-1" not in f"{system} {system!r} {system.credentials}"
    with pytest.raises(errors.Misconfigured, match=r"credentials\['client_secret'\] is missing"):
        system.credentials["client_secret"]
    with pytest.raises(TypeError):
        json.dumps(system.credentials["client_id"])


def test_an_unknown_system() -> None:
    with settings(books=BOOKS), pytest.raises(errors.Misconfigured, match="no accounting system 'book'") as caught:
        systems.system("book")
    assert "books" in caught.value.rule


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({**BOOKS, "colour": "red"}, "unknown keys colour"),
        ({"organisation": "x"}, "'adapter' is missing"),
        ({**BOOKS, "adapter": "hledger"}, "no adapter 'hledger'"),
        ({**BOOKS, "adapter": "tests.accounting.nothing:Books"}, "no adapter"),
        ({**BOOKS, "adapter": "workers.accounting.xero:Nothing"}, "'Nothing' isn't in that module"),
        ({**BOOKS, "options": {"page_size": "200"}}, "the option 'page_size' is '200'"),
    ],
)
def test_mistakes_in_the_settings(given: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"XERO_TEST_{name}", "something")
    with settings(books=given), pytest.raises(errors.Misconfigured, match=told):
        systems.connect("books", HttpOptions(tokens=MemoryTokens()))


def test_an_unknown_key_of_the_setting() -> None:
    with override_settings(LEDGER_ACCOUNTING={"SYSTEM": {}}), pytest.raises(errors.Misconfigured, match="SYSTEM"):
        systems.systems()


def test_a_system_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"XERO_TEST_{name}", "something")
    with settings(books=BOOKS, more={**BOOKS, "adapter": "workers.accounting.xero:Xero"}):
        for name in systems.systems():
            system = systems.connect(name)
            assert isinstance(system, Xero)
            system.close()
    assert systems.shared().limiter is SharedLimiter
    assert isinstance(systems.shared().tokens, SharedTokens)


@pytest.mark.parametrize("name", sorted(systems.ADAPTERS))
def test_every_adapter_that_is_named_is_there(name: str) -> None:
    found = systems.adapter(systems.System("books", name, credentials.Credentials("books", {})))
    assert found.name == name


def test_two_names_of_one_organisation_share_its_limits() -> None:
    none = credentials.Credentials("books", {})
    one = systems.System("a", "xero", none, organisation="org-1")
    other = systems.System("b", "xero", none, organisation="org-1")
    assert one.limits_key == other.limits_key
    assert one.limits_key != systems.System("c", "xero", none, organisation="org-2").limits_key


def test_how_a_system_is_reconciled() -> None:
    with settings(books=BOOKS, others={**BOOKS, "series": ["invoice"], "grace": 60, "full_every": 0.5}):
        plain, told = systems.system("books"), systems.system("others")
    assert (plain.series, plain.grace, plain.full_every, plain.foreign) == (None, 86400, 7, "report")
    assert (told.series, told.grace, told.full_every) == (("invoice",), 60, 0.5)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"series": "invoice"}, "'series' is 'invoice'"),
        ({"series": []}, "'series' is"),
        ({"series": [7]}, "'series' is"),
        ({"grace": -1}, "'grace' is -1"),
        ({"grace": "1 day"}, "'grace' is '1 day'"),
        ({"full_every": 0}, "'full_every' is 0"),
        ({"full_every": True}, "'full_every' is True"),
        ({"foreign": "no"}, "'foreign' is 'no'"),
    ],
)
def test_what_can_not_be_reconciled_so(wrong: dict[str, Any], told: str) -> None:
    with settings(books={**BOOKS, **wrong}), pytest.raises(errors.Misconfigured, match=told):
        systems.system("books")
