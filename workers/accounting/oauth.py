"""OAuth 2: access tokens by refresh token or by client credentials, renewed by one process and used by all.

Authlib speaks the protocol; its requests go through our own client, as everything does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from workers.accounting.answers import Answer
from workers.accounting.errors import AuthenticationFailed, Misconfigured, UnexpectedAnswer
from workers.accounting.failures import no_address
from workers.accounting.http import Client
from workers.accounting.plumbing import Plumbing, Timeouts, unlimited
from workers.accounting.secrecy import Secret
from workers.accounting.token_store import Token, TokenStore, fingerprint

#: Renewed this long before it runs out, so that it doesn't on the way.
LEEWAY = timedelta(seconds=60)
#: A token younger than this, and refused, isn't refused for its age: another one would be refused as well.
TOO_YOUNG = timedelta(seconds=30)
#: Where a system doesn't say how long an access token lives.
USUAL_LIFE = timedelta(minutes=20)


class OAuth:
    """The authentication of one system. ``refresh`` is the first refresh token; without one, client credentials do."""

    def __init__(
        self,
        system: str,
        url: str,
        *,
        client_id: Secret,
        client_secret: Secret,
        refresh: Secret | None,
        plumbing: Plumbing,
        scope: str = "",
    ) -> None:
        if plumbing.tokens is None:
            raise Misconfigured(
                f"{system}: there is no place to keep its tokens.",
                rule="All workers must share the token that one of them renews.",
                remedy="Connect by workers.accounting.systems.connect(), which keeps them in the database.",
                system=system,
            )
        self._system = system
        self._store: TokenStore = plumbing.tokens
        self._clock = plumbing.clock
        self._credentials = (client_id, client_secret, refresh)
        self._origin = fingerprint(*self._credentials)
        self._scope = scope
        self._token: Token | None = None
        # The row is locked meanwhile, so an answer that doesn't come is given up sooner than elsewhere.
        usual = plumbing.timeouts
        shorter = Timeouts(
            connect=min(usual.connect, 5),
            read=min(usual.read, 15),
            write=min(usual.write, 15),
            total=min(usual.total, 20),
        )
        hurried = replace(
            plumbing,
            timeouts=shorter,
            retries=replace(plumbing.retries, patience=min(plumbing.retries.patience, 10)),
            # Its count would be kept in a transaction of its own, and here is one already, which holds the row. Nor
            # does the token endpoint count among what an organisation may ask.
            limiter=unlimited,
        )
        host, path = _split(system, url)
        self._http = Client(
            system,
            host,
            plumbing=hurried,
            # Asked once in half an hour: no connection is kept for that.
            headers={"Connection": "close"},
        )
        self._path = path
        self._http.keep_secret(*self._secrets())

    def headers(self) -> Mapping[str, str]:
        token = self._token
        if token is None or not self._good(token):
            token = self._store.read(self._system)
            if token is None or not self._good(token):
                token = self._renewed(None)
            self._token = token
        return {"Authorization": f"Bearer {token.access.reveal()}"}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """A new token in the place of the one that was rejected, unless that was so new that age isn't the reason."""
        given = rejected.get("Authorization", "").removeprefix("Bearer ")
        token = self._renewed(Secret(given))
        self._token = token
        return token.access.reveal() != given

    def secrets(self) -> Iterable[Secret]:
        return self._secrets()

    def __repr__(self) -> str:
        return f"OAuth({self._system!r})"

    def _secrets(self) -> list[Secret]:
        known = [*self._credentials]
        if self._token is not None:
            known += [self._token.access, self._token.refresh]
        return [secret for secret in known if secret is not None]

    def _good(self, token: Token) -> bool:
        return token.origin == self._origin and token.expires_at - self._clock.now() > LEEWAY

    def _stale(self, token: Token, rejected: Secret | None) -> bool:
        return token.access == rejected and self._clock.now() - token.issued_at >= TOO_YOUNG

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
        said, told = self._spoken(client_id, client_secret, refresh)
        if told:
            raise self._refused(said, told)
        token = _token(said, now, refresh, self._origin)
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

    def _spoken(self, client_id: Secret, client_secret: Secret, refresh: Secret | None) -> tuple[dict[str, Any], str]:
        """What the token endpoint gave, and the code of its refusal, if it refused."""
        client = OAuth2Client(
            session=_Session(self._http, self._path),
            client_id=client_id.reveal(),
            client_secret=client_secret.reveal(),
            scope=self._scope or None,
        )
        try:
            if refresh is None:
                return dict(client.fetch_token("", grant_type="client_credentials")), ""
            return dict(client.refresh_token("", refresh_token=refresh.reveal())), ""
        except OAuth2Error as error:
            # Raised anew outside of this block: Authlib's error may quote what was sent.
            return {"description": str(error.description or "")}, str(error.error or "refused")
        except ValueError:
            return {}, ""

    def _refused(self, said: Mapping[str, Any], code: str) -> AuthenticationFailed:
        words = self._http.clean(": ".join(text for text in (code, str(said.get("description", ""))) if text))
        return AuthenticationFailed(
            f"{self._system}: it gives no access token ({words[:200]}).",
            rule="The client id, its secret and the refresh token must be valid and belong together.",
            remedy="Connect the organisation anew in the vendor's portal, and put the new refresh token where the old "
            "one is; the workers take it up by themselves.",
            system=self._system,
            endpoint="POST token",
        )


class _Session:
    """What Authlib takes for a session: it hands over one form, and our client sends it."""

    def __init__(self, http: Client, path: str) -> None:
        self._http = http
        self._path = path

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Response:
        _, headers, _ = auth.prepare("POST", url, dict(headers), "")
        given = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        # Sent again after a lost answer: the vendors allow the same refresh token again for a while, since otherwise
        # an answer lost on the way would lock everybody out.
        return _Response(
            self._http.request("POST", self._path, form=data, headers=given, repeatable=True, accept={400, 401})
        )


class _Response:
    """As much of a response as Authlib looks at."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self._answer = answer

    def json(self) -> Any:
        body = self._answer.body
        if self.status_code >= 400 and not (isinstance(body, dict) and body.get("error")):
            # A refusal in other words than OAuth's is a refusal all the same.
            return {"error": f"HTTP {self.status_code}"}
        return body

    def raise_for_status(self) -> None:
        """Ours is an error before it comes here."""


def _split(system: str, url: str) -> tuple[str, str]:
    """Host and path: a client's own address is a folder, and a token address is none."""
    parts = urlsplit(url)
    if not parts.netloc:
        raise no_address(system)
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _token(said: Mapping[str, Any], now: datetime, refresh: Secret | None, origin: str) -> Token | None:
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
