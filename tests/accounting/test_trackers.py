"""What an error tracker would send of an error, by Sentry's defaults, holds no credential: variables of all frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from django.test import override_settings

from tests.accounting.clocks import TIMEOUTS, FakeClock
from tests.accounting.memory_tokens import MemoryTokens
from tests.accounting.standins.oauth import TokenServer
from tests.accounting.standins.odoo import DATABASE, LOGIN, OdooStandIn
from tests.accounting.standins.server import Fault, Reply, Request, StandIn
from workers.accounting import errors, systems
from workers.accounting.credentials import Credentials, Secret
from workers.accounting.http_options import HttpOptions, Retries
from workers.accounting.oauth import OAuth, sealer
from workers.accounting.odoo import Odoo
from workers.accounting.systems import System

sentry = pytest.importorskip("sentry_sdk")
SECRET = StandIn.secret
REFRESH = "refresh-that-a-person-got"


def sent(error: BaseException) -> str:
    """What Sentry makes of the error by default, without this file's frames, and before it scrubs by names."""
    from sentry_sdk.consts import DEFAULT_OPTIONS
    from sentry_sdk.serializer import serialize
    from sentry_sdk.utils import event_from_exception

    event: Any
    event, _ = event_from_exception(error, client_options=DEFAULT_OPTIONS)
    for each in event["exception"]["values"]:
        frames = each["stacktrace"]["frames"]
        each["stacktrace"]["frames"] = [frame for frame in frames if frame["abs_path"] != __file__]
    return json.dumps(serialize(event), default=str)


def http_options(**more: Any) -> HttpOptions:
    return HttpOptions(
        clock=FakeClock(),
        timeouts=TIMEOUTS,
        retries=Retries(attempts=2, jitter=lambda: 0.5),
        tokens=MemoryTokens(),
        **more,
    )


class TimeIsOver(Exception):
    """As Celery raises it, in the middle of any code."""


def over(request: httpx.Request) -> httpx.Response:
    headers, content = dict(request.headers), request.content
    raise TimeIsOver(len(headers) + len(content))


FAULTS = [Fault.CUT, Fault.ERROR_500, Fault.HTML, Fault.MALFORMED, Fault.WRONG_SHAPE, Fault.EXPIRED, Fault.REDIRECT]


class TestOdoo:
    @pytest.fixture(params=["json2", "jsonrpc"])
    def connect(self, request: pytest.FixtureRequest) -> Iterator[Callable[..., Odoo]]:
        made: list[Odoo] = []

        def connected(url: str, key: str = SECRET, **more: Any) -> Odoo:
            options = {"api": request.param, "database": DATABASE, "login": LOGIN, "our_numbers": False}
            system = System(
                "books", "odoo", Credentials("books", {"key": key}), organisation="1", url=url, options=options
            )
            made.append(Odoo(system, http_options(**more)))
            return made[-1]

        yield connected
        for each in made:
            each.close()

    @pytest.mark.parametrize("logged_in", [False, True])
    @pytest.mark.parametrize("fault", FAULTS)
    def test_whatever_goes_wrong(self, connect: Callable[..., Odoo], fault: Fault, logged_in: bool) -> None:
        with OdooStandIn() as standin:
            standin.echoes_secrets = True
            adapter = connect(standin.url)
            if logged_in:
                adapter.find(number="INV-1")
            standin.fail(*[fault] * 9)
            with pytest.raises(errors.AccountingError) as caught:
                adapter.find(number="INV-1")
        assert "INV-1" in sent(caught.value), "variables are sent"
        assert SECRET not in sent(caught.value)

    def test_a_time_limit_in_the_middle_of_a_library(self, connect: Callable[..., Odoo]) -> None:
        adapter = connect("http://127.0.0.1:9", transport=httpx.MockTransport(over))
        with pytest.raises(TimeIsOver) as caught:
            adapter.find(number="INV-1")
        assert SECRET not in sent(caught.value)

    def test_a_key_that_cannot_be_sent(self, connect: Callable[..., Odoo]) -> None:
        with OdooStandIn() as standin, pytest.raises(errors.AccountingError) as caught:
            connect(standin.url, f"{SECRET}\nä").find(number="INV-1")
        assert SECRET not in sent(caught.value)


class Tokens(StandIn):
    def __init__(self) -> None:
        super().__init__()
        self.server = TokenServer("an-id", self.secret, REFRESH)
        self.reply: Reply | None = None

    def answer(self, request: Request) -> Reply:
        return self.reply or self.server.answer(request)


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with Tokens() as standin:
        yield standin


@contextmanager
def oauth(url: str, **more: Any) -> Iterator[OAuth]:
    given = Credentials("books", {"client_id": "an-id", "client_secret": SECRET})
    made = OAuth(System("books", "xero", given), f"{url}/token", Secret(REFRESH), http_options(**more))
    yield made
    made._http.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_tokens_whatever_goes_wrong(tokens: Tokens, fault: Fault) -> None:
    tokens.fail(*[fault] * 9)
    with oauth(tokens.url) as books, pytest.raises(errors.AccountingError) as caught:
        books.headers()
    for secret in (SECRET, REFRESH):
        assert secret not in sent(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"refresh_token": "new-refresh-token"}),
        Reply(200, {"access_token": "new-access-token", "refresh_token": "new-refresh-token", "expires_in": "x"}),
        Reply(200, b'{"access_token": "new-access-token", "refresh_token": "new-refresh-token",'),
        Reply(400, {"error": "invalid_grant", "error_description": f"{REFRESH} of {SECRET} is over"}),
    ],
)
def test_odd_answers_of_a_token_server(tokens: Tokens, reply: Reply) -> None:
    tokens.reply = reply
    with oauth(tokens.url) as books, pytest.raises(errors.AccountingError) as caught:
        books.headers()
    for secret in (SECRET, REFRESH, "new-refresh-token", "new-access-token"):
        assert secret not in sent(caught.value)


def test_a_time_limit_while_a_token_is_asked_for() -> None:
    given = {"transport": httpx.MockTransport(over)}
    with oauth("http://127.0.0.1:9", **given) as books, pytest.raises(TimeIsOver) as caught:
        books.headers()
    for secret in (SECRET, REFRESH):
        assert secret not in sent(caught.value)


BOOKS = {"adapter": "xero", "credentials": {"client_id": "an-id", "client_secret": SECRET}}


@pytest.mark.parametrize(
    "books",
    [{**BOOKS, "grace": -1}, {**BOOKS, "colour": "red"}, {**BOOKS, "adapter": ""}, {**BOOKS, "credentials": [SECRET]}],
)
def test_settings_that_are_wrong(books: dict[str, Any]) -> None:
    given = {"SYSTEMS": {"books": books}, "TOKEN_KEYS": [SECRET]}
    with override_settings(LEDGER_ACCOUNTING=given), pytest.raises(errors.Misconfigured) as caught:
        systems.system("books")
    assert SECRET not in sent(caught.value)


def test_keys_that_are_none() -> None:
    good = Fernet.generate_key().decode()
    with (
        override_settings(LEDGER_ACCOUNTING={"TOKEN_KEYS": [good, SECRET]}),
        pytest.raises(errors.Misconfigured) as caught,
    ):
        sealer()
    for secret in (good, SECRET):
        assert secret not in sent(caught.value)
