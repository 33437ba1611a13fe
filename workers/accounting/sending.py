"""One attempt at one request: an answer, or a fault that says what it means for another attempt."""

import threading
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from workers.accounting import failures
from workers.accounting.errors import Refused, UnexpectedAnswer
from workers.accounting.failures import Fault
from workers.accounting.limits import Clock, retry_after
from workers.accounting.responses import SHAPELESS, Answer, excerpt, loaded, parsed
from workers.accounting.secrecy import Redactor


# The time-outs of httpx hold for one read each, so a server that sends its headers byte by byte keeps a worker, and the
# row that it holds, for as long as it likes. Only the look-up of a host's name can't be cut short.
class Deadline(threading.local):
    """``ends`` is the time, by the monotonic clock, at which the request of this thread must be over."""

    ends: float | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def within(self, timeout: float | None, error: type[Exception]) -> float | None:
        """``timeout``, or what is left if that is less; ``error`` if nothing is."""
        if self.ends is None:
            return timeout
        left = self.ends - self._clock.monotonic()
        if left <= 0:
            raise error("it took too long")
        return left if timeout is None else min(timeout, left)

    def rule(self, client: httpx.Client) -> None:
        """Hold all connections of ``client`` to it, those through proxies too."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                pool: Any = transport._pool
                pool._network_backend = _Backend(self, pool._network_backend)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkBackend) -> None:
        self._deadline, self._inner = deadline, inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._deadline, self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkStream) -> None:
        self._deadline, self._inner = deadline, inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.within(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._deadline, self._inner.start_tls(ssl_context, server_hostname, left))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


#: These say that no request went out; after any other fault the system may have got it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Sender:
    """What an attempt needs to know: ``total`` in seconds, ``largest`` in bytes, ``cooldown`` after a bare 429."""

    system: str
    http: httpx.Client
    clock: Clock
    deadline: Deadline
    total: float
    largest: int
    cooldown: float
    explain: Callable[[Any], str]
    classify: Callable[[int, Any], type[Refused] | None]
    redactor: Redactor

    def attempt(self, request: httpx.Request, endpoint: str, accept: Collection[int], about: str) -> Answer | Fault:
        got = self._received(request, endpoint)
        if isinstance(got, Fault):
            return got
        response, content = got
        status = response.status_code
        if status in accept or 200 <= status < 300:
            return self._answer(response, content, endpoint)
        wait = retry_after(response.headers.get("Retry-After"), self.clock.now())
        if status == 429:
            # A pause of nothing would be no pause.
            return failures.limited(self.system, endpoint, self.clock.now(), wait or self.cooldown)
        if 300 <= status < 400 or status < 200:
            return failures.redirected(self.system, endpoint, status)
        said = self.redactor.clean(excerpt(content, self.explain))
        if status >= 500:
            return failures.server_fault(self.system, endpoint, status, said, wait)
        return failures.rejected(self.system, endpoint, status, said, self._kind(status, content), about)

    def _kind(self, status: int, content: bytes) -> type[Refused] | None:
        try:
            return self.classify(status, loaded(content))
        except (ValueError, RecursionError, *SHAPELESS):
            return None

    def _answer(self, response: httpx.Response, content: bytes, endpoint: str) -> Answer | Fault:
        status = response.status_code
        body = None
        if content.strip():
            try:
                body = parsed(content, system=self.system, endpoint=endpoint, status=status)
            except UnexpectedAnswer as error:
                if 200 <= status < 300:
                    # Half of an answer, or a page that a proxy put in its place: the next one may be whole.
                    return Fault(error.with_traceback(None), passes=True, untouched=False)
        return Answer(status, response.headers, body, self.system, endpoint)

    def _received(self, request: httpx.Request, endpoint: str) -> tuple[httpx.Response, bytes] | Fault:
        """The response with its body, read in bounds of time and size."""
        reason, sent = "", True
        stopped: BaseException | None = None
        content = bytearray()
        try:
            begun = self.clock.monotonic()
            self.deadline.ends = begun + self.total
            response = self.http.send(request, stream=True)
            try:
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > self.largest:
                        return failures.too_large(self.system, endpoint, response.status_code, self.largest)
                    if self.clock.monotonic() - begun > self.total:
                        return failures.unreachable(self.system, endpoint, "it took too long", sent=True)
                return self._decoded(response, bytes(content), endpoint)
            finally:
                response.close()
        except httpx.LocalProtocolError:
            # Its text quotes the header that can't be sent, which is the credential.
            return Fault(failures.unusable_credentials(self.system, endpoint), passes=False, untouched=True)
        except httpx.HTTPError as error:
            # The error isn't kept as a cause: it holds the request, and that the credentials.
            reason, sent = _reason(error), not isinstance(error, _NEVER_SENT)
        except BaseException as error:  # noqa: BLE001  (raised below)
            # Celery's time limit, for one: raised in the middle of a library that has the headers in its variables.
            stopped = error
            content.clear()
        if stopped is not None:
            raise stopped.with_traceback(None)
        return failures.unreachable(self.system, endpoint, self.redactor.clean(reason), sent=sent)

    def _decoded(self, response: httpx.Response, content: bytes, endpoint: str) -> tuple[httpx.Response, bytes] | Fault:
        """The body without its compression, which is one that we asked for, once, and in bounds of size."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding == "identity":
            return response, content
        try:
            if coding != "gzip":
                raise zlib.error
            unpacking = zlib.decompressobj(wbits=31)
            unpacked = unpacking.decompress(content, self.largest + 1)
        except zlib.error:
            return failures.unreadable(self.system, endpoint, response.status_code, coding)
        if len(unpacked) > self.largest:
            return failures.too_large(self.system, endpoint, response.status_code, self.largest)
        return response, unpacked


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return f"no connection: {error}"
    return f"the connection broke: {error}"
