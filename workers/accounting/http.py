"""The one way to a remote system: time-outs, limits, safe retries, bounded bodies, errors of our own.

What is sent again: a request that can be repeated (GET, or a POST with an idempotency key: ``repeatable=True``)
is sent again after any fault that may pass. Any other POST is sent again only if the system can't have acted on it:
there was no connection, or it answered 401 or 429. After any other fault the client raises AnswerLost, and the adapter
looks for the document before it goes on (``base.make_once``).

Redirects are never followed: they would take our credentials somewhere else.
"""

import contextlib
import json as jsonlib
import logging
import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any, Self

import httpcore
import httpx

from workers.accounting.credentials import Authentication, Redactor, Secret
from workers.accounting.errors import AnswerLost, Misconfigured, Refused
from workers.accounting.http_options import Clock, HttpOptions, Limits, admitted, retry_after
from workers.accounting.responses import SHAPELESS, Answer, Asked, Fault, excerpt, loaded, plain
from workers.accounting.systems import System

_log = logging.getLogger(__name__)

Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]]

#: After one of these errors no request was sent; after any other, the system may have received it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@cache
def trusted_certificates() -> SSLContext:
    """Those that httpx trusts. All clients of a process share them, since reading them takes longer than a request."""
    return httpx.create_ssl_context()


def as_json(value: object) -> object:
    """Amounts, dates and secrets as JSON writes them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} can't be sent as JSON")


def _dumped(value: object) -> bytes:
    return jsonlib.dumps(value, ensure_ascii=False, default=as_json).encode(errors="backslashreplace")


def _revealed(given: Mapping[str, str | Secret]) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in given.items()}


def _may_be_asked(url: httpx.URL) -> bool:
    """Whether credentials may go there: over TLS, or to this machine."""
    if url.scheme == "http":
        with contextlib.suppress(ValueError):
            return ip_address(url.host).is_loopback
        return url.host == "localhost"
    return url.scheme == "https" and bool(url.host)


class Client:
    """Requests to one system. ``system`` is its name in the settings; every error and log line begins with it.

    ``organisation`` is whose limits the requests count against. ``explain`` finds the system's own words in the JSON of
    a refusal, ``classify`` finds a better error than the status suggests: NotThere, NumberRefused or Refused.
    ``redactor`` removes every credential that this client knows from a text.
    """

    def __init__(
        self,
        system: str,
        url: str,
        *,
        http_options: HttpOptions,
        organisation: str = "",
        limits: Limits | None = None,
        authentication: Authentication | None = None,
        headers: Mapping[str, str] | None = None,
        explain: Callable[[Any], str] = plain,
        classify: Callable[[int, Any], type[Refused] | None] = lambda status, body: None,
    ) -> None:
        self.system = system
        self._options = http_options
        self._clock = http_options.clock
        self._authentication = authentication or Authentication()
        self._explain, self._classify = explain, classify
        limits = limits or Limits()
        self._cooldown = limits.cooldown
        self._limiter = http_options.limiter(organisation or system, limits)
        self.redactor = Redactor()
        self._deadline = Deadline(self._clock)
        times = http_options.timeouts
        ours = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "django-folio"}
        http = None
        with contextlib.suppress(httpx.InvalidURL, ValueError):
            http = httpx.Client(
                base_url=url,
                headers=ours | dict(headers or {}),
                timeout=httpx.Timeout(connect=times.connect, read=times.read, write=times.write, pool=times.connect),
                transport=http_options.transport,
                verify=trusted_certificates(),
                follow_redirects=False,
            )
        if http is None or not _may_be_asked(http.base_url):
            raise Misconfigured(
                f"{system}: its address can't be requested.",
                rule="The address of an accounting system is a URL that begins with https:// and has a host; http:// "
                "only on this machine (localhost, 127.0.0.1), since credentials go along.",
                remedy="Correct its 'url' in LEDGER_ACCOUNTING['SYSTEMS'].",
                system=system,
            )
        self._http = http
        self._deadline.rule(http)

    @classmethod
    def of(cls, system: System, http_options: HttpOptions, *, url: str = "", **options: Any) -> Self:
        """The client for a system of the settings; ``url`` is the vendor's own address, for settings without one."""
        address = system.url or url or system.required("url")
        return cls(system.name, address, http_options=http_options, organisation=system.limits_key, **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        json: object = None,
        form: Mapping[str, str | Secret] | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        repeatable: bool | None = None,
        accept: Collection[int] = (),
        about: str = "",
    ) -> Answer:
        """The answer to one request, which is sent as often as necessary and safe.

        ``repeatable`` is true for a GET by default. Statuses in ``accept`` are answers, like 2xx, and not errors.
        ``about`` is the number or document that a refusal names.
        """
        again = method == "GET" if repeatable is None else repeatable
        endpoint = self.redactor.clean(f"{method} {path.partition('?')[0]}")
        kind = {} if json is None else {"Content-Type": "application/json"}
        query: Any = list(params.items()) if isinstance(params, Mapping) else params
        renewed = False
        attempt = 1
        while True:
            ours = self._authentication.headers()
            self.redactor.hide(*self._authentication.secrets())
            request = None
            with contextlib.suppress(UnicodeEncodeError):
                # Secrets are revealed inside the call: error trackers send the variables of every frame.
                request = self._http.build_request(
                    method,
                    path,
                    params=query,
                    content=None if json is None else _dumped(json),
                    data=None if form is None else _revealed(form),
                    headers=_revealed({**kind, **(headers or {}), **ours}),
                )
            if request is None:
                # The error above is gone: it quotes the credential.
                raise Asked(self.system, endpoint).unusable_credentials().error
            with admitted(self._limiter, self._clock, system=self.system, patience=self._options.retries.patience):
                self._options.before_attempt()
                outcome = self._attempt(request, endpoint, accept, about)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.error.status == 401 and not renewed and self._authentication.renew(ours):
                # The token had run out. The system did not look at the request, so this doesn't count as an attempt.
                renewed = True
                continue
            self._pause_or_raise(outcome, attempt, again or outcome.untouched)
            attempt += 1

    def close(self) -> None:
        self._http.close()

    def _pause_or_raise(self, fault: Fault, attempt: int, safe: bool) -> None:
        """Wait for the next attempt, or raise this one's error."""
        error = fault.error
        if not safe:
            raise AnswerLost(
                f"{error.problem} Whether it was carried out is unknown.",
                rule="A request that makes something, and has no key by which the system knows it again, is sent once.",
                remedy="The next run looks for the document first, and makes it if it isn't there.",
                system=error.system,
                endpoint=error.endpoint,
                status=error.status,
                retry_at=error.retry_at,
            )
        if error.retry_at is not None:
            # Shared with all workers, so that they don't each have to find out.
            self._limiter.pause(error.retry_at)
        retries = self._options.retries
        pause = retries.pause(attempt, fault.retry_after)
        if not fault.passes or attempt >= retries.attempts or pause > retries.patience:
            raise error
        _log.info("%s Attempt %d of %d, the next in %.1f s.", error.problem, attempt, retries.attempts, pause)
        self._clock.sleep(pause)

    def _attempt(self, request: httpx.Request, endpoint: str, accept: Collection[int], about: str) -> Answer | Fault:
        got = self._received(request, endpoint)
        if isinstance(got, Fault):
            return got
        response, content = got
        status = response.status_code
        asked = Asked(self.system, endpoint, status)
        succeeded = 200 <= status < 300
        if succeeded or status in accept:
            body = None
            try:
                body = loaded(content) if content.strip() else None
            except (ValueError, RecursionError):
                if succeeded:
                    return asked.no_json(content)
            return Answer(status, response.headers, body, self.system, endpoint)
        wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
        if status == 429:
            # A pause of zero seconds would be no pause.
            return asked.limited(self._clock.now(), wait or self._cooldown)
        if 300 <= status < 400 or status < 200:
            return asked.redirected()
        said = self.redactor.clean(excerpt(content, self._explain))
        if status >= 500:
            return asked.server_fault(said, wait)
        return asked.rejected(said, self._kind(status, content), about)

    def _kind(self, status: int, content: bytes) -> type[Refused] | None:
        try:
            return self._classify(status, loaded(content))
        except (ValueError, RecursionError, *SHAPELESS):
            return None

    def _received(self, request: httpx.Request, endpoint: str) -> tuple[httpx.Response, bytes] | Fault:
        """The response and its body, read within the limits of time and size."""
        reason, sent = "", True
        stopped: BaseException | None = None
        content = bytearray()
        largest, total = self._options.largest_answer, self._options.timeouts.total
        try:
            begun = self._clock.monotonic()
            self._deadline.ends = begun + total
            response = self._http.send(request, stream=True)
            try:
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > largest:
                        return Asked(self.system, endpoint, response.status_code).too_large(largest)
                    if self._clock.monotonic() - begun > total:
                        return Asked(self.system, endpoint).unreachable("it took too long", sent=True)
                return self._decoded(response, bytes(content), endpoint)
            finally:
                response.close()
        except httpx.LocalProtocolError:
            # The error's text quotes the header that can't be sent, which is the credential.
            return Asked(self.system, endpoint).unusable_credentials()
        except httpx.HTTPError as error:
            # The error isn't kept as a cause: it holds the request, which holds the credentials.
            reason, sent = _reason(error), not isinstance(error, _NEVER_SENT)
        except BaseException as error:  # noqa: BLE001  (raised below)
            # Such as Celery's time limit, raised inside a library that has the headers among its variables.
            stopped = error
            content.clear()
        if stopped is not None:
            raise stopped.with_traceback(None)
        return Asked(self.system, endpoint).unreachable(self.redactor.clean(reason), sent=sent)

    def _decoded(self, response: httpx.Response, content: bytes, endpoint: str) -> tuple[httpx.Response, bytes] | Fault:
        """The body unpacked once by gzip, within the limit of size."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding == "identity":
            return response, content
        asked, largest = Asked(self.system, endpoint, response.status_code), self._options.largest_answer
        try:
            if coding != "gzip":
                raise zlib.error
            unpacking = zlib.decompressobj(wbits=31)
            unpacked = unpacking.decompress(content, largest + 1)
        except zlib.error:
            return asked.unreadable(coding)
        return asked.too_large(largest) if len(unpacked) > largest else (response, unpacked)


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return f"no connection: {error}"
    return f"the connection broke: {error}"


class Deadline(threading.local):
    """The time by which a request must be over, whatever the server does meanwhile.

    httpx's time-outs hold for one read each, so a server that sends its headers byte by byte could keep a worker, and
    the row that it locks, as long as it likes. Only the look-up of a host's name can't be cut short. ``ends`` is the
    time, by the monotonic clock, at which the request of this thread must be over.
    """

    ends: float | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def within(self, timeout: float | None, error: type[Exception]) -> float | None:
        """``timeout``, or the time that is left if that is less; ``error`` if no time is left."""
        if self.ends is None:
            return timeout
        left = self.ends - self._clock.monotonic()
        if left <= 0:
            raise error("it took too long")
        return left if timeout is None else min(timeout, left)

    def rule(self, client: httpx.Client) -> None:
        """Hold all connections of ``client`` to the deadline, those through proxies too."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                pool: Any = transport._pool
                pool._network_backend = _Backend(self, pool._network_backend)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, inner: httpcore.NetworkBackend) -> None:
        self._deadline, self._inner = deadline, inner

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._deadline, self._inner.connect_tcp(host, port, left, *args, **options))


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
