"""The one way to a remote system: time-outs, limits, retries of what is safe, bounded bodies, errors of our own.

What is sent again. A request that can be repeated (GET, or a POST that bears an idempotency key: ``repeatable=True``)
is sent again after any fault that may pass. Any other POST is sent again only if the system can't have acted on it:
there was no connection, it answered 401 or 429, or a status of which its documentation says so (``untouched``). All
else is AnswerLost, and the adapter looks for the document before it goes on (``pushing.make_once``).

A redirect is never followed: it would take our credentials somewhere else.
"""

import contextlib
import json as jsonlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx

from workers.accounting import failures
from workers.accounting.authentication import Authentication
from workers.accounting.errors import Refused
from workers.accounting.failures import Fault
from workers.accounting.http_options import HttpOptions
from workers.accounting.limits import Limits, admitted
from workers.accounting.responses import Answer, plain
from workers.accounting.secrecy import Redactor, Secret
from workers.accounting.sending import Deadline, Sender

_log = logging.getLogger(__name__)

Query = Mapping[str, str | int] | Sequence[tuple[str, str | int]]


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


def unclassified(status: int, body: Any) -> type[Refused] | None:
    """The status says it all."""
    return None


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
        classify: Callable[[int, Any], type[Refused] | None] = unclassified,
    ) -> None:
        self.system = system
        self._authentication = authentication
        self._retries = http_options.retries
        self._clock = http_options.clock
        limits = limits or Limits()
        self._limiter = http_options.limiter(organisation or system, limits)
        self._redactor = Redactor()
        times = http_options.timeouts
        http = None
        with contextlib.suppress(httpx.InvalidURL, ValueError):
            http = httpx.Client(
                base_url=url,
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    "User-Agent": "django-folio",
                    **(headers or {}),
                },
                timeout=httpx.Timeout(connect=times.connect, read=times.read, write=times.write, pool=times.connect),
                transport=http_options.transport,
                follow_redirects=False,
            )
        if http is None or not _may_be_asked(http.base_url):
            raise failures.no_address(system)
        self._http = http
        deadline = Deadline(self._clock)
        deadline.rule(http)
        self._sender = Sender(
            system=system,
            http=http,
            clock=self._clock,
            deadline=deadline,
            total=times.total,
            largest=http_options.largest_answer,
            cooldown=limits.cooldown,
            explain=explain,
            classify=classify,
            redactor=self._redactor,
        )

    def get(self, path: str, *, params: Query | None = None, **options: Any) -> Answer:
        return self.request("GET", path, params=params, **options)

    def post(self, path: str, *, json: object = None, params: Query | None = None, **options: Any) -> Answer:
        return self.request("POST", path, json=json, params=params, **options)

    def put(self, path: str, *, json: object = None, params: Query | None = None, **options: Any) -> Answer:
        return self.request("PUT", path, json=json, params=params, **options)

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
        untouched: Collection[int] = (),
        about: str = "",
    ) -> Answer:
        """The answer to one request, sent as often as is needed and safe.

        ``repeatable`` defaults to whether it is a GET. Statuses of ``accept`` are answers, not errors, beside 2xx.
        Those of ``untouched`` are errors that the system gives only when it has changed nothing. ``about`` is what a
        refusal names: the number, or the document.
        """
        again = method in {"GET", "HEAD"} if repeatable is None else repeatable
        endpoint = self._redactor.clean(f"{method} {path.partition('?')[0]}")
        renewed = False
        attempt = 1
        while True:
            ours = self._credentials()
            request = self._built(method, path, endpoint, params, json, form, {**(headers or {}), **ours})
            with admitted(self._limiter, self._clock, system=self.system, patience=self._retries.patience):
                outcome = self._sender.attempt(request, endpoint, accept, about)
            if isinstance(outcome, Answer):
                return outcome
            if outcome.error.status == 401 and not renewed and self._renew(ours):
                # A token that has run out: the request wasn't looked at, and this was no attempt at it.
                renewed = True
                continue
            self._pause_or_raise(outcome, attempt, again or outcome.untouched or outcome.error.status in untouched)
            attempt += 1

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.system!r})"

    def keep_secret(self, *secrets: Secret) -> None:
        """Take these out of all that is told."""
        for secret in secrets:
            self._redactor.hide(secret)

    def clean(self, text: str) -> str:
        """``text`` without any credential that this client knows."""
        return self._redactor.clean(text)

    def _credentials(self) -> Mapping[str, Secret]:
        if self._authentication is None:
            return {}
        ours = self._authentication.headers()
        for secret in self._authentication.secrets():
            self._redactor.hide(secret)
        return ours

    def _renew(self, rejected: Mapping[str, Secret]) -> bool:
        return self._authentication is not None and self._authentication.renew(rejected)

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
        pause = self._retries.pause(attempt, fault.retry_after)
        if not fault.passes or attempt >= self._retries.attempts or pause > self._retries.patience:
            raise fault.error
        _log.info(
            "%s Attempt %d of %d, the next in %.1f s.", fault.error.problem, attempt, self._retries.attempts, pause
        )
        self._clock.sleep(pause)
