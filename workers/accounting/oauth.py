"""OAuth 2: access tokens by refresh token or client credentials, renewed by one process and used by all.

A renewal is one form (RFC 6749, 4.4 and 6), posted by our own client like every request. Renewed tokens are kept in the
database, sealed, in one row for each system. Xero and QuickBooks give a new refresh token with each renewal, and may
treat a second use of the old one as theft. So a process that renews a token locks the row from reading the old one
until the new one is committed; the others wait, and then read the new one.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import router

from workers.accounting.credentials import SETTING, Authentication, Secret, basic
from workers.accounting.errors import AuthenticationFailed, Misconfigured, UnexpectedAnswer
from workers.accounting.http import Client, as_json
from workers.accounting.http_options import HttpOptions, Limiter, Timeouts
from workers.accounting.quota import own_transaction
from workers.accounting.responses import Answer
from workers.accounting.systems import System, setting
from workers.models import SealedToken

ENVIRONMENT = "LEDGER_TOKEN_KEYS"
_MAKE_ONE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'

#: A token is renewed this long before it runs out, so that it doesn't run out on the way.
LEEWAY = timedelta(seconds=60)
#: A refused token that is younger than this wasn't refused for its age, so a new one would be refused as well.
TOO_YOUNG = timedelta(seconds=30)
#: For systems that don't say how long an access token lives.
USUAL_LIFE = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Token:
    """``origin`` is the fingerprint of the credentials that it was renewed from: after a change of these, the token no
    longer counts."""

    access: Secret
    refresh: Secret | None
    issued_at: datetime
    expires_at: datetime
    origin: str


def fingerprint(*secrets: Secret | None) -> str:
    """Shows whether credentials have changed, and nothing else about them: they are long and random."""
    return hashlib.sha256("\0".join(secret.reveal() if secret else "" for secret in secrets).encode()).hexdigest()


@dataclass
class Hold:
    """A system's token while nobody else can renew it; ``renewed`` is saved when the hold ends."""

    token: Token | None
    renewed: Token | None = None


def sealer() -> MultiFernet:
    """Seals with the first of the keys and opens with any. Raises Misconfigured if there is no valid key.

    The keys are LEDGER_ACCOUNTING["TOKEN_KEYS"], or the environment variable LEDGER_TOKEN_KEYS, comma-separated. To
    change the key, put the new one first, and drop the old one a day later.
    """
    keys = setting("TOKEN_KEYS", None) or [
        Secret(key) for key in os.environ.get(ENVIRONMENT, "").split(",") if key.strip()
    ]
    problem = "There is no key to seal tokens with."
    if keys:
        try:
            return MultiFernet([Fernet(key.reveal().strip()) for key in keys])
        except (ValueError, TypeError, AttributeError):
            # The error's own text could quote part of the key.
            problem = "One of LEDGER_TOKEN_KEYS is not a key."
    raise Misconfigured(
        problem,
        rule=f"Tokens are kept in the database only when sealed, by {SETTING}['TOKEN_KEYS'] or {ENVIRONMENT}.",
        remedy=f"Make a key with {_MAKE_ONE} and keep it with the other secrets.",
    )


class SharedTokens:
    """Tokens in the database, shared by all processes that speak to a system."""

    def read(self, system: str) -> Token | None:
        """The token that was saved last."""
        # From the primary: a replica that lags may still have the token before, which was used up.
        row = SealedToken.objects.using(router.db_for_write(SealedToken)).filter(pk=system).first()
        return None if row is None else _opened(row)

    @contextmanager
    def hold(self, system: str) -> Iterator[Hold]:
        """Keep everybody else from renewing the token until the renewed one is saved."""
        with own_transaction(router.db_for_write(SealedToken)):
            SealedToken.objects.bulk_create([SealedToken(system=system)], ignore_conflicts=True)
            row = SealedToken.objects.select_for_update().get(pk=system)
            hold = Hold(_opened(row))
            # Before anything is asked: a renewal that can't be saved would waste the refresh token.
            seals = sealer()
            yield hold
            if hold.renewed is not None:
                row.sealed = seals.encrypt(_packed(hold.renewed).encode()).decode("ascii")
                row.issued_at, row.expires_at = hold.renewed.issued_at, hold.renewed.expires_at
                row.save()


def _packed(token: Token) -> str:
    return json.dumps({each.name: getattr(token, each.name) for each in fields(token)}, default=as_json)


def _opened(row: SealedToken) -> Token | None:
    """The row's token; None before the first one, or if its key is lost: then the configured credentials are used."""
    try:
        given = json.loads(sealer().decrypt(row.sealed.encode("ascii"))) if row.sealed else None
    except InvalidToken:
        given = None
    if given is None:
        return None
    return Token(
        access=Secret(given["access"]),
        refresh=Secret(given["refresh"]) if given["refresh"] else None,
        issued_at=datetime.fromisoformat(given["issued_at"]),
        expires_at=datetime.fromisoformat(given["expires_at"]),
        origin=given["origin"],
    )


class OAuth(Authentication):
    """The authentication of one system. ``refresh`` is the first refresh token; None for client credentials.

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
        self._store = http_options.tokens
        self._clock = http_options.clock
        self._credentials = (system.credentials["client_id"], system.credentials["client_secret"], refresh)
        self._origin = fingerprint(*self._credentials)
        self._scope = scope
        self._token: Token | None = None
        # The row is locked meanwhile, so these time-outs are shorter than elsewhere.
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
            # A count would need a transaction of its own, and this one already holds the row. Requests for tokens
            # don't count against an organisation's limits either.
            limiter=Limiter,
        )
        # A client's own address is a folder; a token address isn't, so its path goes into the request.
        address = urlsplit(system.option("token_url", url))
        host, self._path = f"{address.scheme}://{address.netloc}", address.path
        # One request in half an hour needs no open connection.
        self._http = Client(name, host, http_options=hurried, headers={"Connection": "close"})
        self._http.redactor.hide(*self.secrets())

    def headers(self) -> Mapping[str, Secret]:
        token = self._token
        if token is None or not self._good(token):
            token = self._store.read(self._system)
            if token is None or not self._good(token):
                token = self._renewed(None)
            self._token = token
        return {"Authorization": _bearing(token)}

    def renew(self, rejected: Mapping[str, Secret]) -> bool:
        """Replace the token that was rejected, unless it was too new to be rejected for its age."""
        token = self._renewed(rejected.get("Authorization"))
        self._token = token
        return _bearing(token) != rejected.get("Authorization")

    def secrets(self) -> list[Secret]:
        known = [*self._credentials]
        if self._token is not None:
            known += [self._token.access, self._token.refresh]
        return [secret for secret in known if secret is not None]

    def _good(self, token: Token) -> bool:
        return token.origin == self._origin and token.expires_at - self._clock.now() > LEEWAY

    def _renewed(self, rejected: Secret | None) -> Token:
        """A valid token: the one that another process has fetched meanwhile, or a new one."""
        with self._store.hold(self._system) as hold:
            kept = hold.token if hold.token is not None and hold.token.origin == self._origin else None
            if kept is not None and self._good(kept):
                is_stale = _bearing(kept) == rejected and self._clock.now() - kept.issued_at >= TOO_YOUNG
                if not is_stale:
                    return kept
            hold.renewed = self._asked(kept.refresh if kept is not None else self._credentials[2])
            # Nothing more happens under the lock: the new token must be committed.
            return hold.renewed

    def _asked(self, refresh: Secret | None) -> Token:
        """A new token from the system."""
        client_id, client_secret, _ = self._credentials
        form: dict[str, str | Secret] = {"grant_type": "client_credentials"}
        if refresh is not None:
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
            self._http.redactor.hide(refresh)
        now = self._clock.now()
        # Sent again after a lost answer: the vendors accept the same refresh token for a while, since otherwise a
        # lost answer would lock everybody out.
        answer = self._http.request(
            "POST",
            self._path,
            form=form | ({"scope": self._scope} if self._scope else {}),
            headers=basic(client_id.reveal(), client_secret).headers(),
            repeatable=True,
            accept={400, 401},
        )
        if answer.status >= 400:
            raise self._refused(answer)
        token = _token(answer.body, now, refresh, self._origin)
        if token is None:
            raise UnexpectedAnswer(
                f"{self._system}: the answer to a request for a token has no token.",
                rule="An access token is a text, and its life a number of seconds.",
                remedy="Check the token address of the system.",
                system=self._system,
                endpoint="POST token",
            )
        self._http.redactor.hide(token.access, *([token.refresh] if token.refresh else []))
        return token

    def _refused(self, answer: Answer) -> AuthenticationFailed:
        said = answer.body if isinstance(answer.body, dict) else {}
        # A refusal may lack OAuth's own words.
        words = (said.get("error") or f"HTTP {answer.status}", said.get("error_description"))
        told = self._http.redactor.clean(": ".join(str(each) for each in words if each))
        return AuthenticationFailed(
            f"{self._system}: it gives no access token ({told[:200]}).",
            rule="The client id, its secret and the refresh token must be valid and belong together, and the app must "
            "have the scopes.",
            remedy="Connect the organisation again in the vendor's portal, and replace the old refresh token by the "
            "new one; the workers then use it without a restart.",
            system=self._system,
            endpoint="POST token",
        )


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
        # A system that sends no new one keeps the old one valid.
        refresh=Secret(following) if isinstance(following, str) and following else refresh,
        issued_at=now,
        expires_at=now + lives,
        origin=origin,
    )
