"""Credentials: texts that can't be printed by accident, where they come from, and how a request carries them."""

import base64
import os
from collections.abc import Iterable, Mapping
from typing import NoReturn
from urllib.parse import quote, quote_plus

from workers.accounting.errors import Misconfigured

SETTING = "LEDGER_ACCOUNTING"
HIDDEN = "•••"
#: A shorter text would be found inside ordinary words.
_SHORTEST = 4


class Secret:
    """A text that only ``reveal()`` shows: str, repr, format, pickle and JSON don't."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        # A task's arguments go through the broker: a secret among them is a mistake that must show at once.
        raise TypeError(
            "A secret can't be pickled: pass the system's name, and read the credentials where they are used."
        )


class Redactor:
    """Removes the credentials in use from a text, in every form that a server may echo."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def hide(self, *secrets: Secret) -> None:
        for text in (secret.reveal() for secret in secrets):
            if len(text) >= _SHORTEST:
                self._forms |= {text, quote(text, safe=""), quote_plus(text), base64.b64encode(text.encode()).decode()}

    def clean(self, text: str) -> str:
        # The longest first: one secret may be part of another.
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return text


class Credentials:
    """The credentials of one system, by name; those in the environment are read when they are needed."""

    def __init__(self, system: str, given: Mapping[str, str]) -> None:
        self._system = system
        self._prefix = given.get("ENV")
        self._given = {name: Secret(str(value).strip()) for name, value in given.items() if name != "ENV"}

    def __getitem__(self, name: str) -> Secret:
        """The credential; Misconfigured, naming the place where it should be, if it is missing."""
        secret = self.get(name)
        if secret is None:
            where = f"credentials[{name!r}]" if self._prefix is None else f"the environment variable {self._env(name)}"
            raise Misconfigured(
                f"{self._system}: {where} is missing or empty.",
                rule=f"The adapter needs the credential {name!r}.",
                remedy=f"Set it where the workers run, or under {SETTING}['SYSTEMS'][{self._system!r}]['credentials'].",
                system=self._system,
            )
        return secret

    def get(self, name: str) -> Secret | None:
        if found := self._given.get(name):
            return found
        text = os.environ.get(self._env(name), "").strip() if self._prefix is not None else ""
        return Secret(text) if text else None

    def _env(self, name: str) -> str:
        return f"{self._prefix}{name.upper()}"


class Authentication:
    """How requests are authenticated: by headers that stay the same until a person changes them, or by none."""

    def __init__(self, headers: Mapping[str, Secret] | None = None, *, also_secret: Iterable[Secret] = ()) -> None:
        self._headers = dict(headers or {})
        self._also = tuple(also_secret)

    def headers(self) -> Mapping[str, Secret]:
        """The headers that every request carries."""
        return self._headers

    def renew(self, rejected: Mapping[str, Secret]) -> bool:
        """The system answered 401 to ``rejected``: get other credentials; False if that isn't possible."""
        return False

    def secrets(self) -> Iterable[Secret]:
        """What no text may show."""
        return (*self._headers.values(), *self._also)


def bearer(token: Secret) -> Authentication:
    return Authentication({"Authorization": Secret(f"Bearer {token.reveal()}")}, also_secret=[token])


def token_pair(key: Secret, secret: Secret) -> Authentication:
    """``Authorization: token key:secret``, as Frappe requires it."""
    return Authentication(
        {"Authorization": Secret(f"token {key.reveal()}:{secret.reveal()}")}, also_secret=[key, secret]
    )


def basic(user: str, password: Secret) -> Authentication:
    # Every variable here holds a Secret: error trackers send the variables of every frame.
    pair = Secret(base64.b64encode(f"{user}:{password.reveal()}".encode()).decode("ascii"))
    return Authentication({"Authorization": Secret(f"Basic {pair.reveal()}")}, also_secret=[password, pair])
