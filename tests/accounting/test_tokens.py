"""OAuth tokens that several processes share: renewed once, sealed at rest, and never lost by our own doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import pytest
from cryptography.fernet import Fernet
from django.db import transaction
from django.test import override_settings

from tests.accounting.clocks import TIMEOUTS, FakeClock
from tests.accounting.processes import together
from tests.accounting.standins.oauth import TokenServer
from tests.accounting.standins.server import Fault, Reply, Request, StandIn
from tests.accounting.standins.xero import XeroStandIn
from workers.accounting import errors, systems
from workers.accounting.credentials import Credentials, Secret
from workers.accounting.http_options import HttpOptions, Retries
from workers.accounting.oauth import OAuth, SharedTokens
from workers.accounting.systems import System
from workers.models import Quota, SealedToken

pytestmark = pytest.mark.django_db(transaction=True)

KEY = Fernet.generate_key().decode()
FIRST = "refresh-that-a-person-got"


class Tokens(StandIn):
    def __init__(self) -> None:
        super().__init__()
        self.server = TokenServer("an-id", self.secret, FIRST)
        self.takes = 0.0

    def answer(self, request: Request) -> Reply:
        if self.takes:
            time.sleep(self.takes)  # as a distant server does, so that processes without a lock renew at once
        return self.server.answer(request)


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tokens]:
    monkeypatch.setenv("LEDGER_TOKEN_KEYS", KEY)
    with Tokens() as standin:
        yield standin


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def connect(standin: Tokens, clock: FakeClock, refresh: str | None = FIRST) -> OAuth:
    return OAuth(
        System("books", "xero", Credentials("books", {"client_id": "an-id", "client_secret": standin.secret})),
        f"{standin.url}/token",
        Secret(refresh) if refresh else None,
        HttpOptions(
            clock=clock, tokens=SharedTokens(), retries=Retries(attempts=2, jitter=lambda: 0.5), timeouts=TIMEOUTS
        ),
    )


RENEW = """
import os
from workers.accounting.oauth import OAuth
from workers.accounting.http_options import HttpOptions
from workers.accounting.credentials import Credentials, Secret
from workers.accounting.systems import System
from workers.accounting.oauth import SharedTokens
for _ in range(int(os.environ["TIMES"])):
    given = {"client_id": "an-id", "client_secret": os.environ["THE_SECRET"]}
    books = System("books", "xero", Credentials("books", given))
    first, options = Secret(os.environ["FIRST"]), HttpOptions(tokens=SharedTokens())
    oauth = OAuth(books, os.environ["TOKEN_URL"], first, options)
    print(oauth.headers()["Authorization"].reveal())
"""


def race(standin: Tokens, times: int) -> list[str]:
    return together(
        RENEW,
        count=3,
        TOKEN_URL=f"{standin.url}/token",
        THE_SECRET=standin.secret,
        FIRST=FIRST,
        TIMES=str(times),
        LEDGER_TOKEN_KEYS=KEY,
    )


def test_processes_that_renew_at_once_never_use_a_refresh_token_twice(standin: Tokens) -> None:
    standin.server.lives, standin.takes = 0, 0.05
    race(standin, times=6)
    assert not standin.server.revoked
    assert standin.server.refreshed == 18


def test_what_one_process_renewed_the_others_use(standin: Tokens) -> None:
    said = race(standin, times=3)
    assert standin.server.refreshed == 1
    assert len(set("".join(said).split("\n")) - {""}) == 1


def test_the_http_options_of_production_hold_together(standin: Tokens) -> None:
    """Limits and tokens both have rows, and transactions, of their own."""
    with XeroStandIn() as books:
        books.add("INV-1", date(2026, 2, 1))
        given = {
            "adapter": "xero",
            "organisation": "org-1",
            "url": books.url,
            "credentials": {"client_id": "the-client-id", "client_secret": books.secret},
            "options": {"token_url": f"{books.url}/connect/token"},
        }
        with override_settings(LEDGER_ACCOUNTING={"SYSTEMS": {"books": given}, "TOKEN_KEYS": [KEY]}):
            system = systems.connect("books")
            assert [each.number for page in system.changed(None) for each in page.invoices] == ["INV-1"]
            system.close()
    assert SealedToken.objects.get().system == "books"
    row = Quota.objects.get()
    assert (row.organisation, row.used_today, row.tickets) == ("xero:org-1", 2, {}), "invoices and credit notes"


def test_a_token_lives_as_long_as_it_says(standin: Tokens, clock: FakeClock) -> None:
    oauth = connect(standin, clock)
    first = oauth.headers()
    clock.pass_by(1800 - 61)
    assert oauth.headers() == first
    clock.pass_by(2)
    assert oauth.headers() != first
    assert standin.server.refreshed == 2


def test_a_rejected_token_is_renewed_unless_it_is_new(standin: Tokens, clock: FakeClock) -> None:
    oauth = connect(standin, clock)
    first = oauth.headers()
    assert not oauth.renew(first), "age isn't the reason"
    clock.pass_by(60)
    assert oauth.renew(first)
    assert connect(standin, clock).headers() == oauth.headers()
    assert standin.server.refreshed == 2


def test_a_token_that_another_process_renewed_meanwhile_is_taken(standin: Tokens, clock: FakeClock) -> None:
    one, other = connect(standin, clock), connect(standin, clock)
    first = one.headers()
    assert other.headers() == first
    clock.pass_by(60)
    assert one.renew(first)
    assert other.renew(first)
    assert standin.server.refreshed == 2


def test_nothing_is_in_clear_in_the_database(standin: Tokens, clock: FakeClock) -> None:
    connect(standin, clock).headers()
    row = SealedToken.objects.get()
    for secret in standin.server.secrets():
        assert secret not in str(vars(row))
    assert row.sealed
    assert row.expires_at


def test_a_new_key_opens_what_the_old_one_sealed(
    standin: Tokens, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = connect(standin, clock).headers()
    monkeypatch.setenv("LEDGER_TOKEN_KEYS", f"{Fernet.generate_key().decode()}, {KEY}")
    assert connect(standin, clock).headers() == first


def test_a_lost_key_goes_back_to_the_configured_token(
    standin: Tokens, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.server.rotates = False
    connect(standin, clock).headers()
    monkeypatch.setenv("LEDGER_TOKEN_KEYS", Fernet.generate_key().decode())
    connect(standin, clock).headers()
    assert standin.server.refreshed == 2


def test_a_new_refresh_token_in_the_settings_begins_a_new_line(standin: Tokens, clock: FakeClock) -> None:
    connect(standin, clock).headers()
    standin.server = TokenServer("an-id", standin.secret, "refresh-of-a-new-consent")
    connect(standin, clock, "refresh-of-a-new-consent").headers()
    assert standin.server.refreshed == 1


def test_client_credentials_need_no_refresh_token(standin: Tokens, clock: FakeClock) -> None:
    oauth = connect(standin, clock, None)
    assert oauth.headers() == connect(standin, clock, None).headers()
    assert standin.count() == 1


def test_a_refused_refresh_says_what_to_do(standin: Tokens, clock: FakeClock) -> None:
    with pytest.raises(errors.AuthenticationFailed, match="invalid_grant") as caught:
        connect(standin, clock, "refresh-of-somebody-else").headers()
    assert "replace the old refresh token" in caught.value.remedy
    assert "refresh-of-somebody-else" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.HTML, Fault.CUT, Fault.TIMEOUT, Fault.LIMITED])
def test_a_fault_of_the_token_server_loses_nothing(standin: Tokens, clock: FakeClock, fault: Fault) -> None:
    oauth = connect(standin, clock)
    standin.fail(fault, fault)
    with pytest.raises(errors.AccountingError) as caught:
        oauth.headers()
    assert caught.value.endpoint == "POST /token"
    oauth.headers()
    assert not standin.server.revoked


@pytest.mark.parametrize(
    "reply", [{}, {"access_token": ""}, {"access_token": 1}, {"access_token": "a", "expires_in": "x"}, []]
)
def test_an_answer_without_a_token(
    standin: Tokens, clock: FakeClock, reply: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standin.server, "answer", lambda request: Reply(200, reply))
    with pytest.raises(errors.UnexpectedAnswer, match="has no token"):
        connect(standin, clock).headers()


def test_no_token_is_renewed_inside_a_transaction(standin: Tokens, clock: FakeClock) -> None:
    """A rollback would lose the new refresh token, and the old one is used up."""
    oauth = connect(standin, clock)
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        oauth.headers()
    assert standin.count() == 0


def test_without_a_key_nothing_is_asked_for(standin: Tokens, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that can't be saved would waste the refresh token."""
    monkeypatch.delenv("LEDGER_TOKEN_KEYS")
    with pytest.raises(errors.Misconfigured, match="no key"):
        connect(standin, clock).headers()
    assert standin.count() == 0
    with override_settings(LEDGER_ACCOUNTING={"TOKEN_KEYS": ["a mistyped one"]}):
        with pytest.raises(errors.Misconfigured, match="is not a key") as caught:
            connect(standin, clock).headers()
        assert "mistyped" not in str(caught.value)
    with override_settings(LEDGER_ACCOUNTING={"TOKEN_KEYS": [KEY]}):
        connect(standin, clock).headers()
