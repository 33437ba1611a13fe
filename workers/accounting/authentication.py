"""How a request says who we are: fixed headers, or anything that has these three methods (OAuth, a login session)."""

import base64
from collections.abc import Iterable, Mapping
from typing import Protocol

from workers.accounting.secrecy import Secret


class Authentication(Protocol):
    def headers(self) -> Mapping[str, Secret]:
        """The headers that every request bears."""
        ...

    def renew(self, rejected: Mapping[str, Secret]) -> bool:
        """The system answered 401 to ``rejected``: get other credentials; False if that isn't possible."""
        ...

    def secrets(self) -> Iterable[Secret]:
        """What must never be seen in a text."""
        ...


class FixedHeaders:
    """A key or password that stays the same until a person changes it."""

    def __init__(self, headers: Mapping[str, Secret], *, also_secret: Iterable[Secret] = ()) -> None:
        self._headers = dict(headers)
        self._also = tuple(also_secret)

    def headers(self) -> Mapping[str, Secret]:
        return self._headers

    def renew(self, rejected: Mapping[str, Secret]) -> bool:
        return False

    def secrets(self) -> Iterable[Secret]:
        return (*self._headers.values(), *self._also)


def bearer(token: Secret) -> FixedHeaders:
    return FixedHeaders({"Authorization": Secret(f"Bearer {token.reveal()}")}, also_secret=[token])


def token_pair(key: Secret, secret: Secret) -> FixedHeaders:
    """``Authorization: token key:secret``, as Frappe wants it."""
    return FixedHeaders({"Authorization": Secret(f"token {key.reveal()}:{secret.reveal()}")}, also_secret=[key, secret])


def basic(user: str, password: Secret) -> FixedHeaders:
    # No variable holds what isn't a Secret: error trackers send the variables of every frame.
    pair = Secret(base64.b64encode(f"{user}:{password.reveal()}".encode()).decode("ascii"))
    return FixedHeaders({"Authorization": Secret(f"Basic {pair.reveal()}")}, also_secret=[password, pair])
