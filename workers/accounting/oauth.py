"""OAuth 2: access tokens by refresh token or by client credentials, renewed by one process and used by all.

One form is posted (RFC 6749, 4.4 and 6), through our own client, as everything is.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from workers.accounting.credentials import Secret, basic
from workers.accounting.errors import AuthenticationFailed, Misconfigured, UnexpectedAnswer
from workers.accounting.failures import no_address
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions, Limiter, Timeouts
from workers.accounting.responses import Answer
from workers.accounting.systems import System

#: Renewed this long before it runs out, so that it doesn't on the way.
LEEWAY = timedelta(seconds=60)
#: A token younger than this, and refused, isn't refused for its age: another one would be refused as well.
TOO_YOUNG = timedelta(seconds=30)
#: Where a system doesn't say how long an access token lives.
USUAL_LIFE = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Token:
    """``origin`` is the fingerprint of the credentials from which it descends: new credentials begin a new line."""

    access: Secret
    refresh: Secret | None
    issued_at: datetime
    expires_at: datetime
    origin: str


def fingerprint(*secrets: Secret | None) -> str:
    """Tells whether credentials are the same as before, and nothing else about them: they are long and random."""
    return hashlib.sha256("\0".join(secret.reveal() if secret else "" for secret in secrets).encode()).hexdigest()


@dataclass
class Hold:
    """A system's token while nobody else can renew it; what is put into ``renewed`` is kept when the hold ends."""

    token: Token | None
    renewed: Token | None = None


class TokenStore(Protocol):
    """Shared by all processes that speak to a system."""

    def read(self, system: str) -> Token | None:
        """The token that was kept last."""
        ...

    def hold(self, system: str) -> AbstractContextManager[Hold]:
        """Keep everybody else from renewing it, until what was renewed is kept."""
        ...


class OAuth:
    """The authentication of one system. ``refresh`` is the first refresh token; without one, client credentials do.

    ``url`` is the vendor's address for tokens, unless the system has the option ``token_url``.
    """

    def __init__(
        self, system: System, url: str, refresh: Secret | None, http_options: HttpOptions, scope: str = ""
    ) -> None:
        name = system.name
        if http_options.tokens is None:
            raise Misconfigured(
                f"{name}: there is no place to keep its tokens.",
                rule="All workers must share the token that one of them renews.",
                remedy="Connect by workers.accounting.systems.connect(), which keeps them in the database.",
                system=name,
            )
        self._system = name
        self._store: TokenStore = http_options.tokens
        self._clock = http_options.clock
        self._credentials = (system.credentials["client_id"], system.credentials["client_secret"], refresh)
        self._origin = fingerprint(*self._credentials)
        self._scope = scope
        self._token: Token | None = None
        # The row is locked meanwhile, so an answer that doesn't come is given up sooner than elsewhere.
        usual = http_options.timeouts
        shorter = Timeouts(
            connect=min(usual.connect, 5),
            read=min(usual.read, 15),
            write=min(usual.write, 15),
            total=min(usual.total, 20),
        )
        hurried = replace(
            http_options,
            timeouts=shorter,
            retries=replace(http_options.retries, patience=min(http_options.retries.patience, 10)),
            # Its count would be kept in a transaction of its own, and here is one already, which holds the row. Nor
            # does the token endpoint count among what an organisation may ask.
            limiter=Limiter,
        )
        host, self._path = _split(name, system.option("token_url", url))
        # Asked once in half an hour: no connection is kept for that.
        self._http = Client(name, host, http_options=hurried, headers={"Connection": "close"})
        self._http.keep_secret(*self._secrets())

    def headers(self) -> Mapping[str, Secret]:
        token = self._token
        if token is None or not self._good(token):
            token = self._store.read(self._system)
            if token is None or not self._good(token):
                token = self._renewed(None)
            self._token = token
        return {"Authorization": _bearing(token)}

    def renew(self, rejected: Mapping[str, Secret]) -> bool:
        """A new token in the place of the one that was rejected, unless that was so new that age isn't the reason."""
        token = self._renewed(rejected.get("Authorization"))
        self._token = token
        return _bearing(token) != rejected.get("Authorization")

    def secrets(self) -> Iterable[Secret]:
        return self._secrets()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _secrets(self) -> list[Secret]:
        known = [*self._credentials]
        if self._token is not None:
            known += [self._token.access, self._token.refresh]
        return [secret for secret in known if secret is not None]

    def _good(self, token: Token) -> bool:
        return token.origin == self._origin and token.expires_at - self._clock.now() > LEEWAY

    def _stale(self, token: Token, rejected: Secret | None) -> bool:
        return _bearing(token) == rejected and self._clock.now() - token.issued_at >= TOO_YOUNG

    def _renewed(self, rejected: Secret | None) -> Token:
        """The token that is in force: the one that another process has got meanwhile, or a new one."""
        with self._store.hold(self._system) as hold:
            kept = hold.token if hold.token is not None and hold.token.origin == self._origin else None
            if kept is not None and self._good(kept) and not self._stale(kept, rejected):
                return kept
            hold.renewed = self._asked(kept.refresh if kept is not None else self._credentials[2])
            # Nothing more happens under the lock: what was renewed must be committed.
            return hold.renewed

    def _asked(self, refresh: Secret | None) -> Token:
        """A new token from the system."""
        client_id, client_secret, _ = self._credentials
        if refresh is not None:
            self._http.keep_secret(refresh)
        now = self._clock.now()
        # Sent again after a lost answer: the vendors allow the same refresh token again for a while, since otherwise
        # an answer lost on the way would lock everybody out.
        answer = self._http.request(
            "POST",
            self._path,
            form=self._form(refresh),
            headers=basic(client_id.reveal(), client_secret).headers(),
            repeatable=True,
            accept={400, 401},
        )
        if answer.status >= 400:
            raise self._refused(answer)
        token = _token(answer.body, now, refresh, self._origin)
        if token is None:
            raise UnexpectedAnswer(
                f"{self._system}: the answer to a request for a token holds none.",
                rule="An access token is a text, and its life a number of seconds.",
                remedy="See whether the token address of the system is right.",
                system=self._system,
                endpoint="POST token",
            )
        self._http.keep_secret(token.access, *([token.refresh] if token.refresh else []))
        return token

    def _form(self, refresh: Secret | None) -> dict[str, str | Secret]:
        scope: dict[str, str | Secret] = {"scope": self._scope} if self._scope else {}
        if refresh is None:
            return {"grant_type": "client_credentials", **scope}
        return {"grant_type": "refresh_token", "refresh_token": refresh, **scope}

    def _refused(self, answer: Answer) -> AuthenticationFailed:
        said = answer.body if isinstance(answer.body, dict) else {}
        # A refusal in other words than OAuth's is a refusal all the same.
        words = (said.get("error") or f"HTTP {answer.status}", said.get("error_description"))
        told = self._http.clean(": ".join(str(each) for each in words if each))
        return AuthenticationFailed(
            f"{self._system}: it gives no access token ({told[:200]}).",
            rule="The client id, its secret and the refresh token must be valid and belong together, and the scopes be "
            "those that the app may have.",
            remedy="Connect the organisation anew in the vendor's portal, and put the new refresh token where the old "
            "one is; the workers take it up by themselves.",
            system=self._system,
            endpoint="POST token",
        )


def _split(system: str, url: str) -> tuple[str, str]:
    """Host and path: a client's own address is a folder, a token address isn't."""
    parts = urlsplit(url)
    if not parts.netloc:
        raise no_address(system)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _bearing(token: Token) -> Secret:
    return Secret(f"Bearer {token.access.reveal()}")


def _token(said: Any, now: datetime, refresh: Secret | None, origin: str) -> Token | None:
    if not isinstance(said, dict):
        return None
    access, life, following = said.get("access_token"), said.get("expires_in"), said.get("refresh_token")
    if not isinstance(access, str) or not access:
        return None
    try:
        lives = timedelta(seconds=float(life)) if life is not None else USUAL_LIFE
    except (TypeError, ValueError, OverflowError):
        return None
    return Token(
        access=Secret(access),
        # Some give no new one, and mean that the old one stays.
        refresh=Secret(following) if isinstance(following, str) and following else refresh,
        issued_at=now,
        expires_at=now + lives,
        origin=origin,
    )
