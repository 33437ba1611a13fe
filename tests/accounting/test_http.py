"""The client that all adapters share: what it sends again, what it waits for, and what it says of failures."""

from __future__ import annotations

import contextlib
import gzip
import logging
import pickle
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tests.accounting.clocks import TIMEOUTS, FakeClock
from tests.accounting.standins.server import Fault, Reply, Request, StandIn
from workers.accounting import errors
from workers.accounting.credentials import HIDDEN, Authentication, Redactor, Secret, basic, bearer, token_pair
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions, Limits, Retries, Timeouts, retry_after

KEY = Secret(StandIn.secret)


class Simple(StandIn):
    """Counts what it carries out, and answers what a test has set."""

    reply = Reply(200, {"ok": True})

    def __init__(self) -> None:
        super().__init__()
        self.carried_out = 0

    def answer(self, request: Request) -> Reply:
        self.carried_out += 1
        return self.reply


@pytest.fixture
def standin() -> Iterator[Simple]:
    with Simple() as standin:
        yield standin


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connect(standin: Simple, clock: FakeClock) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def connected(url: str = "", **options: Any) -> Client:
        http_options = HttpOptions(
            clock=clock,
            timeouts=TIMEOUTS,
            retries=Retries(attempts=4, jitter=lambda: 1.0),
            largest_answer=1_000_000,
            **options.pop("http_options", {}),
        )
        given = {"authentication": bearer(KEY), **options}
        clients.append(Client("books", url or standin.url, http_options=http_options, **given))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


SOME_HARM = [Fault.LOST, Fault.TRUNCATED, Fault.CUT, Fault.TIMEOUT, Fault.ERROR_500, Fault.HTML, Fault.OVERSIZED]


@pytest.mark.parametrize("fault", SOME_HARM)
def test_a_post_is_sent_once_if_it_may_have_been_carried_out(
    standin: Simple, connect: Callable[..., Client], fault: Fault
) -> None:
    standin.fail(fault)
    with pytest.raises(errors.AnswerLost, match="Whether it was carried out is unknown"):
        connect().post("things", json={})
    assert standin.count() == 1


@pytest.mark.parametrize("fault", [Fault.LIMITED, Fault.LIMITED_SILENTLY])
def test_a_post_that_was_turned_away_is_sent_again(
    standin: Simple, connect: Callable[..., Client], fault: Fault
) -> None:
    standin.fail(fault, fault)
    assert connect().post("things", json={}).body == {"ok": True}
    assert standin.carried_out == 1


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.CUT, Fault.ERROR_500, Fault.MALFORMED])
def test_a_repeatable_post_is_sent_again(standin: Simple, connect: Callable[..., Client], fault: Fault) -> None:
    standin.fail(fault, fault)
    assert connect().post("things", json={}, repeatable=True).status == 200
    assert standin.count() == 3


def test_a_post_that_found_nobody_is_sent_again(connect: Callable[..., Client], clock: FakeClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(errors.Unreachable, match="no connection"):
            connect(f"http://127.0.0.1:{taken.getsockname()[1]}").post("things", json={})
    assert len(clock.slept) == 3


def test_pauses_grow(standin: Simple, connect: Callable[..., Client], clock: FakeClock) -> None:
    standin.fail(*[Fault.ERROR_500] * 4)
    with pytest.raises(errors.ServerFault) as caught:
        connect().get("things")
    assert clock.slept == [0.5, 1.0, 2.0]
    assert caught.value.status == 500
    assert caught.value.endpoint == "GET things"
    assert "it broke" in str(caught.value)


def test_a_long_pause_is_left_to_a_later_run(standin: Simple, connect: Callable[..., Client], clock: FakeClock) -> None:
    standin.reply = Reply(429, b"", {"Retry-After": "3600"})
    with pytest.raises(errors.RateLimited) as caught:
        connect().get("things")
    assert caught.value.retry_at == clock.now() + timedelta(hours=1)
    assert clock.slept == []
    assert standin.count() == 1


def test_a_pause_without_a_length_is_the_vendors_own(
    standin: Simple, connect: Callable[..., Client], clock: FakeClock
) -> None:
    standin.fail(Fault.LIMITED_SILENTLY)
    connect(limits=Limits(cooldown=60)).get("things")
    assert clock.slept == [60.5]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (format_datetime(datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC), usegmt=True), 30.0),
        (format_datetime(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), usegmt=True), 0.0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) == seconds


def test_an_answer_that_trickles_is_given_up(clock: FakeClock, connect: Callable[..., Client]) -> None:
    """Each byte comes in time, but the whole never does."""

    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                clock.pass_by(1)
                yield b" "

    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Trickle()))
    with pytest.raises(errors.Unreachable, match="took too long"):
        connect(http_options={"transport": transport}).get("things")


class Trickling:
    """A server that sends a byte of its headers whenever it is let, and never the last one."""

    def __enter__(self) -> str:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX-More: ")
                    with contextlib.suppress(OSError):
                        for _ in range(60_000):
                            connection.sendall(b"x")
                        connection.sendall(b"\r\nContent-Length: 2\r\n\r\n{}")

    def __exit__(self, *exception: object) -> None:
        self._listener.close()


def test_headers_that_trickle_in_are_given_up(connect: Callable[..., Client], clock: FakeClock) -> None:
    """Each byte comes in time; a second passes between two looks at the clock."""

    class Passing(FakeClock):
        def monotonic(self) -> float:
            self.pass_by(1)
            return super().monotonic()

    with Trickling() as url:
        client = Client(
            "books",
            url,
            http_options=HttpOptions(clock=Passing(), timeouts=Timeouts(total=4), retries=Retries(attempts=1)),
        )
        with contextlib.closing(client), pytest.raises(errors.Unreachable, match="timed out"):
            client.get("things")


def packed(content: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        content = gzip.compress(content)
    return content


def test_a_packed_answer_is_unpacked(standin: Simple, connect: Callable[..., Client]) -> None:
    standin.reply = Reply(200, packed(b'{"a": 1}'), {"Content-Encoding": "gzip"})
    assert connect().get("things").body == {"a": 1}
    assert standin.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "coding", "told"),
    [
        (packed(b" " * 50_000_000, 2), "gzip, gzip", "can't be unpacked"),
        (packed(b" " * 50_000_000), "gzip", "larger than 1000000 bytes"),
        (packed(b"{}"), "br", "can't be unpacked"),
        (b"no gzip at all", "gzip", "can't be unpacked"),
    ],
    ids=["packed twice", "much of one sign", "an unknown coding", "not packed"],
)
def test_a_bomb_is_not_unpacked(
    standin: Simple, connect: Callable[..., Client], body: bytes, coding: str, told: str
) -> None:
    standin.reply = Reply(200, body, {"Content-Encoding": coding})
    tracemalloc.start()
    with pytest.raises(errors.UnexpectedAnswer, match=told):
        connect().get("things")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a": ["x\\ud800y"]}', "x\\ud800y"),
        (b'{"a": ["x\\u0000y"]}', "x\\u0000y"),
        (b'{"a": ["x\xed\xa0\x80y"]}', "x\\ud800y"),
        (b'{"a": ["\\ud83d\\ude00"]}', "\U0001f600"),
    ],
)
def test_a_text_that_cannot_be_kept_is_kept_with_escapes(
    standin: Simple, connect: Callable[..., Client], body: bytes, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    standin.reply = Reply(200, body)
    assert connect().get("things").body == {"a": [text]}
    assert ("kept with escapes" in caplog.text) == ("\\u" in text)


def test_redirects_are_not_followed(standin: Simple, connect: Callable[..., Client]) -> None:
    standin.fail(Fault.REDIRECT)
    with pytest.raises(errors.UnexpectedAnswer, match="redirects to another address"):
        connect().get("things")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Refused),
        (401, errors.AuthenticationFailed),
        (403, errors.AuthenticationFailed),
        (404, errors.NotThere),
        (410, errors.NotThere),
        (409, errors.Refused),
        (422, errors.Refused),
        (500, errors.ServerFault),
        (503, errors.ServerFault),
    ],
)
def test_statuses(
    standin: Simple, connect: Callable[..., Client], status: int, kind: type[errors.AccountingError]
) -> None:
    standin.reply = Reply(status, {"message": "the system's own words"})
    with pytest.raises(kind, match="the system's own words") as caught:
        connect().get("things?and=more")
    assert caught.value.status == status
    assert caught.value.endpoint == "GET things"
    assert caught.value.system == "books"


def test_accepted_statuses_are_answers(standin: Simple, connect: Callable[..., Client]) -> None:
    standin.reply = Reply(404, b"<html>nothing</html>")
    answer = connect().get("things", accept={404})
    assert (answer.status, answer.body) == (404, None)


def test_what_a_server_echoes_of_us_is_taken_out(standin: Simple, connect: Callable[..., Client]) -> None:
    forms = f"{KEY.reveal()} Bearer {KEY.reveal()}"
    standin.reply = Reply(400, {"message": f"unknown key {forms}"})
    with pytest.raises(errors.Refused) as caught:
        connect().get("things")
    assert KEY.reveal() not in repr(vars(caught.value)) + str(caught.value)
    assert HIDDEN in str(caught.value)


@pytest.mark.parametrize("secret", ["with\nline break", "non-äscii-secret", "tab\x00null"])
@pytest.mark.parametrize("kind", [bearer, lambda secret: Authentication({"X-Key": secret})])
def test_credentials_that_cannot_be_sent(
    standin: Simple,
    connect: Callable[..., Client],
    secret: str,
    kind: Callable[[Secret], Authentication],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The libraries' own errors quote the header."""
    with caplog.at_level(logging.DEBUG), pytest.raises(errors.Misconfigured, match="can't be sent") as caught:
        connect(authentication=kind(Secret(secret))).get("things")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert secret not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url",
    ["", "books.example", "ftp://books.example", "http://", "http://books.example", "http://10.0.0.7:8069",
     "http://localhost.books.example"],
)  # fmt: skip
def test_an_address_that_is_none(url: str, clock: FakeClock) -> None:
    with pytest.raises(errors.Misconfigured, match="its address"):
        Client("books", url, http_options=HttpOptions(clock=clock)).get("things")


@pytest.mark.parametrize(
    ("authentication", "header"),
    [
        (bearer(Secret("abcd")), "Bearer abcd"),
        (token_pair(Secret("key1"), Secret("sec2")), "token key1:sec2"),
        (basic("rosa", Secret("sesame")), "Basic cm9zYTpzZXNhbWU="),
    ],
)
def test_authentication(
    standin: Simple, connect: Callable[..., Client], authentication: Authentication, header: str
) -> None:
    connect(authentication=authentication).get("things")
    assert standin.requests[0].headers["authorization"] == header


def test_a_login_is_renewed_once_for_a_request(standin: Simple, connect: Callable[..., Client]) -> None:
    class Login:
        logins = 1

        def headers(self) -> dict[str, Secret]:
            return {"Authorization": Secret(f"Session {self.logins}")}

        def renew(self, rejected: Mapping[str, Secret]) -> bool:
            self.logins += 1
            return True

        def secrets(self) -> list[Secret]:
            return []

    client = connect(authentication=Login())
    standin.fail(Fault.EXPIRED)
    client.post("things", json={})
    assert [each.headers["authorization"] for each in standin.requests] == ["Session 1", "Session 2"]
    standin.fail(*[Fault.EXPIRED] * 9)
    with pytest.raises(errors.AuthenticationFailed):
        client.post("things", json={})
    assert standin.count() == 4


def test_what_is_sent(standin: Simple, connect: Callable[..., Client]) -> None:
    body = {"total": Decimal("12.30"), "on": date(2026, 3, 1), "who": "Ägir"}
    connect().post("a/b", json=body, params={"q": "x y&z"})
    sent = standin.requests[0]
    assert sent.json == {"total": 12.3, "on": "2026-03-01", "who": "Ägir"}
    assert (sent.path, sent.asked("q")) == ("/a/b", "x y&z")
    assert sent.headers["content-type"] == "application/json"


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("sesame")
    assert "sesame" not in f"{secret} {secret!r} {[secret]} {vars}"
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(secret)


def test_the_redactor_knows_every_form() -> None:
    redactor = Redactor()
    redactor.hide(Secret("ses/am e"), Secret("ses/am e longer"), Secret("ab"))
    for form in ("ses/am e", "ses%2Fam%20e", "ses%2Fam+e", "c2VzL2FtIGU="):
        assert form not in redactor.clean(f"before {form} after")
    assert redactor.clean("ses/am e longer") == HIDDEN
    assert redactor.clean("abc") == "abc", "too short a secret would be found everywhere"


def test_errors_survive_pickling() -> None:
    error = errors.RateLimited(
        "problem.",
        rule="rule.",
        remedy="remedy.",
        system="books",
        status=429,
        retry_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is errors.RateLimited
    assert vars(again) == vars(error)
    assert str(again) == str(error)
