"""One answer of a system, read whole, and what makes an answer an error."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import httpx

from workers.accounting.errors import UnexpectedAnswer

_MISSING: Any = object()
M = TypeVar("M")


class Record:
    """One JSON object of an answer. Every reader takes a default for a field that is absent or null."""

    def __init__(self, fields: object, *, system: str, endpoint: str) -> None:
        self._system = system
        self._endpoint = endpoint
        if not isinstance(fields, Mapping):
            self._fields: Mapping[str, Any] = {}
            self.refuse(f"has {_kind(fields)} where a record was expected")
        self._fields = fields

    @property
    def fields(self) -> Mapping[str, Any]:
        return self._fields

    def __contains__(self, key: str) -> bool:
        return self._fields.get(key) is not None

    def text(self, key: str, default: str = _MISSING) -> str:
        """A text; a number is taken as the text it makes, since systems write keys either way."""
        value = self._value(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self.refuse(f"has {_kind(value)} in {key!r}, where a text was expected")
        return value

    def whole(self, key: str, default: int = _MISSING) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(f"has {_kind(value)} in {key!r}, where a whole number was expected")
        return value

    def one_of(self, key: str, meanings: Mapping[Any, M]) -> M:
        """What a word (or a number) of the system means to us."""
        word = self._value(key, _MISSING)
        if not isinstance(word, str | int) or word not in meanings:
            self.refuse(f"has the unknown {key} {word!r:.60}")
        return meanings[word]

    def date(self, key: str, default: date | None = _MISSING) -> date | None:
        """A date, written YYYY-MM-DD, with or without a time behind it."""
        value = self._value(key, default)
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value[:10])
        except (TypeError, ValueError):
            self.refuse(f"has {value!r} in {key!r}, where a date was expected")

    def time(self, key: str, default: datetime | None = _MISSING) -> datetime | None:
        """A time with its zone, in ISO 8601."""
        value = self._value(key, default)
        if value is None or isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            at = None
        if at is None or at.tzinfo is None:
            self.refuse(f"has {value!r} in {key!r}, where a time with its zone was expected")
        return at

    def amount(self, key: str) -> Decimal | None:
        """An amount of money, as a number or a text; None if it is missing or isn't an amount."""
        value = self._fields.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return None

    def record(self, key: str) -> "Record":
        return self._child(self._value(key, _MISSING))

    def records(self, key: str, default: list[Any] = _MISSING) -> "list[Record]":
        value = self._value(key, default)
        if not isinstance(value, list):
            self.refuse(f"has {_kind(value)} in {key!r}, where a list was expected")
        return [self._child(each) for each in value]

    def refuse(self, what: str) -> NoReturn:
        """Say that the answer isn't what it should be."""
        raise UnexpectedAnswer(
            f"{self._system}: the answer to {self._endpoint} {what}.",
            rule="Folio reads what the system's documentation says, and guesses at nothing.",
            remedy="See whether the system was upgraded, or something between here and there changes its answers.",
            system=self._system,
            endpoint=self._endpoint,
        )

    def _value(self, key: str, default: Any) -> Any:
        value = self._fields.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            self.refuse(f"has no {key!r}")
        return default

    def _child(self, fields: object) -> "Record":
        return Record(fields, system=self._system, endpoint=self._endpoint)


def _kind(value: object) -> str:
    """What JSON calls it; the value itself may be long, or nobody's business."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    kinds: list[tuple[type, str]] = [(str, "a text"), (int, "a number"), (float, "a number"), (list, "a list")]
    return next((name for kind, name in kinds if isinstance(value, kind)), "a record")


_log = logging.getLogger(__name__)

#: What reading an error's body raises, when that isn't of the form that the vendor documents.
SHAPELESS = (KeyError, TypeError, AttributeError, IndexError)
#: What PostgreSQL can't keep in a text, and how that may come in a body.
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_MAY_BE_UNKEPT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")
#: As much of the system's own words as helps a person.
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is what the JSON said; None where there was none. Neither shows in its repr: it may hold a token."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: Any = field(repr=False)
    system: str
    endpoint: str

    @property
    def record(self) -> Record:
        """The body as one record."""
        return Record(self.body, system=self.system, endpoint=self.endpoint)

    @property
    def records(self) -> list[Record]:
        """The body as a list of records."""
        return Record({"list": self.body}, system=self.system, endpoint=self.endpoint).records("list")


def parsed(content: bytes, *, system: str, endpoint: str, status: int) -> Any:
    """The JSON of a body, or UnexpectedAnswer saying what came instead."""
    try:
        return loaded(content)
    except (ValueError, RecursionError):
        pass
    what, content = _what(content), b""
    raise UnexpectedAnswer(
        f"{system}: {endpoint} answered {what} (HTTP {status}).",
        rule="The answers of this system are JSON.",
        remedy="See whether its address in the settings is right, and whether a proxy or a login page is in between.",
        system=system,
        endpoint=endpoint,
        status=status,
    )


def loaded(content: bytes) -> Any:
    """The JSON of a body. What PostgreSQL can't keep, NUL or half of a surrogate pair, becomes its escape."""
    body = json.loads(content)
    return _kept(body) if _MAY_BE_UNKEPT.search(content) else body


def _kept(value: Any) -> Any:
    if isinstance(value, str) and _UNKEPT.search(value):
        _log.warning("A text of an accounting system can't be kept as it is, and is kept with escapes: %.200a", value)
        return _UNKEPT.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, dict):
        return {_kept(key): _kept(each) for key, each in value.items()}
    return [_kept(each) for each in value] if isinstance(value, list) else value


def _what(content: bytes) -> str:
    start = content[:200].lstrip().lower()
    if not content.strip():
        return "nothing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page instead of data"
    if start.startswith(b"<"):
        return "XML instead of JSON"
    return "broken JSON" if start.startswith((b"{", b"[")) else "something else than JSON"


def excerpt(content: bytes, explain: Callable[[Any], str]) -> str:
    """What the system said of its refusal, in one short line: by ``explain`` if it is JSON, else nothing."""
    try:
        said = explain(loaded(content))
    except (ValueError, RecursionError, *SHAPELESS):
        return ""
    line = " ".join(said.split())
    return line if len(line) <= _EXCERPT else line[:_EXCERPT] + " …"


def plain(body: Any) -> str:
    """The usual places of a message in JSON."""
    for key in ("message", "Message", "Detail", "detail", "error_description", "error"):
        if isinstance(body, dict) and isinstance(body.get(key), str):
            return str(body[key])
    return ""
