"""Credentials that can't be printed by accident, and texts from which known credentials are taken out."""

import base64
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import quote, quote_plus

HIDDEN = "•••"
#: Anything shorter would be found inside ordinary words.
_SHORTEST = 4


class Secret:
    """A text that shows itself only to ``reveal()``: not to str, repr, format, pickle or JSON."""

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
        # A task's arguments go through the broker: a secret among them is a mistake to be told at once.
        raise TypeError(
            "A secret can't be pickled: pass the system's name, and read the credentials where they are used."
        )


class Redactor:
    """Knows the credentials in use, and takes them out of a text in every form in which a server may echo them."""

    def __init__(self, known: Iterable[Secret] = ()) -> None:
        self._forms: set[str] = set()
        for secret in known:
            self.hide(secret)

    def hide(self, secret: Secret) -> None:
        text = secret.reveal()
        if len(text) >= _SHORTEST:
            self._forms |= {text, quote(text, safe=""), quote_plus(text), base64.b64encode(text.encode()).decode()}

    def clean(self, text: str) -> str:
        # The longest first: one secret may be a part of another.
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"
