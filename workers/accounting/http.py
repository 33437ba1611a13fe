"""The one way to a remote system: time-outs, limits, retries of what is safe, bounded bodies, errors of our own.

What is sent again. A request that can be repeated (GET, or a POST that bears an idempotency key: ``repeatable=True``)
is sent again after any fault that may pass. Any other POST is sent again only if the system can't have acted on it:
there was no connection, or it answered 401 or 429. All else is AnswerLost, and the adapter looks for the document
before it goes on (``base.make_once``).

A redirect is never followed: it would take our credentials somewhere else.
"""

import contextlib
import json as jsonlib
import logging
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Self

import httpx

from workers.accounting import failures
from workers.accounting.credentials import Authentication, FixedHeaders, Redactor, Secret
from workers.accounting.deadline import Deadline
from workers.accounting.errors import Refused, UnexpectedAnswer
from workers.accounting.failures import Asked, Fault
from workers.accounting.http_options import HttpOptions, Limits, admitted, retry_after
from workers.accounting.responses import SHAPELESS, Answer, excerpt, loaded, parsed, plain
from workers.accounting.systems import System

_log = logging.getLogger(__name__)

Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]]

#: These say that no request went out; after any other fault the system may have got it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def _plain(value: object) -> object:
    """Amounts and dates as JSON has them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} can't be sent as JSON")


def _revealed(given: Mapping[str, str | Secret]) -> dict[str, str]:
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in given.items()}


def _may_be_asked(url: httpx.URL) -> bool:
    """Whether credentials may go there: by TLS, or to this machine itself."""
    if url.scheme == "http":
        with contextlib.suppress(ValueError):
            return ip_address(url.host).is_loopback
        return url.host == "localhost"
    return url.scheme == "https" and bool(url.host)


class Client:
    """Requests to one system. ``system`` is its name in the settings; every error and log line begins with it.

    ``organisation`` names whose limits are used up, ``explain`` finds the system's own words in the JSON of a refusal,
    and ``classify`` a better error than its status says: NotThere, NumberRefused, or plainly Refused.
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
        self._authentication = authentication or FixedHeaders({})
        self._explain, self._classify = explain, classify
        limits = limits or Limits()
        self._cooldown = limits.cooldown
        self._limiter = http_options.limiter(organisation or system, limits)
        self._redactor = Redactor()
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
                follow_redirects=False,
            )
        if http is None or not _may_be_asked(http.base_url):
            raise failures.no_address(system)
        self._http = http
        self._deadline.rule(http)

    @classmethod
    def of(cls, system: System, http_options: HttpOptions, *, url: str = "", **options: Any) -> Self:
        """The client for a system of the settings; ``url`` is the vendor's own, where the settings need name none."""
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
        """The answer to one request, sent as often as is needed and safe.

        ``repeatable`` defaults to whether it is a GET. Statuses of ``accept`` are answers, not errors, as 2xx are.
        ``about`` is what a refusal names: the number, or the document.
        """
        again = method == "GET" if repeatable is None else repeatable
        endpoint = self._redactor.clean(f"{method} {path.partition('?')[0]}")
        renewed = False
        attempt = 1
        while True:
            ours = self._authentication.headers()
            self.keep_secret(*self._authentication.secrets())
            request = self._built(method, path, endpoint, params, json, form, {**(headers or {}), **ours})
            with admitted(self._limiter, self._clock, system=self.system, patience=self._options.retries.patience):
                outcome = self._attempt(request, endpoint, accept, about)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.error.status == 401 and not renewed and self._authentication.renew(ours):
                # A token that has run out: the request wasn't looked at, and this was no attempt at it.
                renewed = True
                continue
            self._pause_or_raise(outcome, attempt, again or outcome.untouched)
            attempt += 1

    def close(self) -> None:
        self._http.close()

    def keep_secret(self, *secrets: Secret) -> None:
        """Take these out of all that is told."""
        for secret in secrets:
            self._redactor.hide(secret)

    def clean(self, text: str) -> str:
        """``text`` without any credential that this client knows."""
        return self._redactor.clean(text)

    def _built(
        self,
        method: str,
        path: str,
        endpoint: str,
        params: Query | None,
        json: object,
        form: Mapping[str, str | Secret] | None,
        headers: Mapping[str, str | Secret],
    ) -> httpx.Request:
        kind = {} if json is None else {"Content-Type": "application/json"}
        query: Any = list(params.items()) if isinstance(params, Mapping) else params
        try:
            # Secrets are revealed within the call: error trackers send the variables of every frame.
            return self._http.build_request(
                method,
                path,
                params=query,
                content=None
                if json is None
                else jsonlib.dumps(json, ensure_ascii=False, default=_plain).encode(errors="backslashreplace"),
                data=None if form is None else _revealed(form),
                headers=_revealed({**kind, **headers}),
            )
        except UnicodeEncodeError:
            pass
        # Raised here, after the error above is gone: it quotes the credential.
        raise failures.unusable_credentials(self.system, endpoint)

    def _pause_or_raise(self, fault: Fault, attempt: int, safe: bool) -> None:
        """Wait for the next attempt, or raise what this one came to."""
        if not safe:
            raise failures.lost(fault.error)
        if fault.error.retry_at is not None:
            # Told to all workers, so that not each of them has to find out by itself.
            self._limiter.pause(fault.error.retry_at)
        retries = self._options.retries
        pause = retries.pause(attempt, fault.retry_after)
        if not fault.passes or attempt >= retries.attempts or pause > retries.patience:
            raise fault.error
        _log.info("%s Attempt %d of %d, the next in %.1f s.", fault.error.problem, attempt, retries.attempts, pause)
        self._clock.sleep(pause)

    def _attempt(self, request: httpx.Request, endpoint: str, accept: Collection[int], about: str) -> Answer | Fault:
        got = self._received(request, endpoint)
        if isinstance(got, Fault):
            return got
        response, content = got
        status = response.status_code
        if status in accept or 200 <= status < 300:
            return self._answer(response, content, endpoint)
        asked = Asked(self.system, endpoint, status)
        wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
        if status == 429:
            # A pause of nothing would be no pause.
            return asked.limited(self._clock.now(), wait or self._cooldown)
        if 300 <= status < 400 or status < 200:
            return asked.redirected()
        said = self._redactor.clean(excerpt(content, self._explain))
        if status >= 500:
            return asked.server_fault(said, wait)
        return asked.rejected(said, self._kind(status, content), about)

    def _kind(self, status: int, content: bytes) -> type[Refused] | None:
        try:
            return self._classify(status, loaded(content))
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
        return Asked(self.system, endpoint).unreachable(self._redactor.clean(reason), sent=sent)

    def _decoded(self, response: httpx.Response, content: bytes, endpoint: str) -> tuple[httpx.Response, bytes] | Fault:
        """The body without its compression: once by gzip, and in bounds of size."""
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
