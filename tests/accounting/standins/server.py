"""A stand-in for a vendor's server: a real HTTP server in a thread, with faults on order.

A subclass answers requests (``answer``) from its books, and knows how its vendor pages, limits and numbers. What any
server can do wrong is done here: ``fail(...)`` puts a fault before the next requests.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit


class Fault(Enum):
    """The fault of one request. Only a LOST request has been carried out."""

    CUT = "the connection is cut before anything is done"
    LOST = "the request is carried out, and the connection cut before the answer"
    TIMEOUT = "no answer comes, and nothing is done"
    TRUNCATED = "the connection is cut in the middle of the answer"
    ERROR_500 = "HTTP 500"
    ERROR_503 = "HTTP 503"
    LIMITED = "HTTP 429 with Retry-After"
    LIMITED_SILENTLY = "HTTP 429 without Retry-After"
    HTML = "a web page, HTTP 200"
    MALFORMED = "broken JSON, HTTP 200"
    WRONG_SHAPE = "JSON of another shape, HTTP 200"
    EMPTY = "an empty body, HTTP 200"
    OVERSIZED = "a body larger than anybody wants"
    REDIRECT = "HTTP 302 to another host"
    EXPIRED = "HTTP 401, as of a token that has run out"


@dataclass(frozen=True)
class Request:
    """One request as it came: header names in lower case, query values as lists."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}

    def asked(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Reply:
    """``body`` is sent as JSON, or as it is if it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class StandIn:
    """Start it by ``with``. ``url`` is its address; ``requests`` are all that came, faults included."""

    #: What it asks for, so that tests can look for it everywhere it must not be.
    secret: ClassVar[str] = "sesame-4d1c0ffee-open"
    #: Seconds in the Retry-After of LIMITED.
    retry_after = 7

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: deque[tuple[Fault, str]] = deque()
        self.lock = threading.RLock()
        #: The vendor's clock; tests move it.
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self.stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    # For subclasses -------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Carry out one request. It is called under the lock, one request at a time."""
        raise NotImplementedError

    def replied(self, fault: Fault) -> Reply | None:
        """The vendor's own form of a fault that is an answer; None for the plain one."""
        return None

    # For tests ------------------------------------------------------------------------------------------

    def fail(self, *faults: Fault, method: str = "") -> None:
        """The next requests (with that method, if one is given) fail in these ways, one after the other."""
        self.faults.extend((fault, method) for fault in faults)

    def count(self, method: str = "") -> int:
        """How many requests with that method have come."""
        return sum(1 for request in self.requests if method in {"", request.method})

    @property
    def url(self) -> str:
        assert self._server is not None, "start it by `with`"
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._server is not None
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def handle(self, request: Request) -> tuple[Fault | None, Reply]:
        """The fault that is due, if any, and the reply, which has been made only if the request was carried out."""
        with self.lock:
            self.requests.append(request)
            fault = None
            if self.faults and self.faults[0][1] in {"", request.method}:
                fault = self.faults.popleft()[0]
            if fault is None or fault in {Fault.LOST, Fault.TRUNCATED}:
                return fault, self.answer(request)
            return fault, self.replied(fault) or _PLAIN.get(fault, Reply(status=500, body={}))


_PLAIN = {
    Fault.ERROR_500: Reply(500, {"message": "it broke"}),
    Fault.ERROR_503: Reply(503, b"<html>down for maintenance</html>", {"Content-Type": "text/html"}),
    Fault.LIMITED: Reply(429, {"message": "slow down"}, {"Retry-After": "7"}),
    Fault.LIMITED_SILENTLY: Reply(429, b"slow down"),
    Fault.HTML: Reply(200, b"<!DOCTYPE html><html><title>Sign in</title></html>", {"Content-Type": "text/html"}),
    Fault.MALFORMED: Reply(200, b'{"Invoices": [{"InvoiceID": '),
    Fault.WRONG_SHAPE: Reply(200, {"something": "else"}),
    Fault.EMPTY: Reply(200, b""),
    Fault.OVERSIZED: Reply(200, b'["' + b"x" * 3_000_000 + b'"]'),
    Fault.REDIRECT: Reply(302, b"", {"Location": "http://elsewhere.invalid/login"}),
    Fault.EXPIRED: Reply(401, {"message": "the token has run out"}, {"WWW-Authenticate": "Bearer"}),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what some tests are about."""


def _handler(standin: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are sent apart: otherwise the second waits 40 ms for the first to be acknowledged.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qs(parts.query, keep_blank_values=True)
            fault, reply = standin.handle(Request(self.command, unquote(parts.path), query, headers, body))
            if fault is Fault.TIMEOUT:
                # Held until the client gives up, or the test ends.
                self.connection.settimeout(5)
                self.connection.recv(1)
            if fault in {Fault.CUT, Fault.LOST, Fault.TIMEOUT}:
                self.cut()
                return
            content = reply.content
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if fault is Fault.TRUNCATED:
                self.wfile.write(content[: len(content) // 2])
                self.cut()
                return
            self.wfile.write(content)

        do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815

        def cut(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Quiet."""

    return Handler
