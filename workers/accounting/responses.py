"""One answer of a system, read whole, and the failures of a request, as errors of ``workers.accounting.errors``."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import httpx

from workers.accounting import errors
from workers.accounting.errors import UnexpectedAnswer

_MISSING: Any = object()
M = TypeVar("M")


class Record:
    """One JSON object of an answer. Every reader takes a default for a field that is absent or null."""

    def __init__(self, fields: object, *, system: str, endpoint: str) -> None:
        self._system = system
        self._endpoint = endpoint
        if not isinstance(fields, Mapping):
            self.refuse(f"has {_kind(fields)} where a record was expected")
        self.fields: Mapping[str, Any] = fields

    def __contains__(self, key: str) -> bool:
        return self.fields.get(key) is not None

    def text(self, key: str, default: str = _MISSING) -> str:
        """A text. A whole number becomes a text, since systems write keys either way."""
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
        """The meaning, to Folio, of a word or number of the system."""
        word = self._value(key, _MISSING)
        if not isinstance(word, str | int) or word not in meanings:
            self.refuse(f"has the unknown {key} {word!r:.60}")
        return meanings[word]

    def date(self, key: str, default: date | None = _MISSING) -> date | None:
        """A date, written YYYY-MM-DD, with or without a time after it."""
        value = self._value(key, default)
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value[:10])
        except (TypeError, ValueError):
            self.refuse(f"has {value!r} in {key!r}, where a date was expected")

    def time(self, key: str, zone: tzinfo | None = None) -> datetime:
        """A time in ISO 8601: with its zone, or in ``zone`` if the system writes none."""
        value = self._value(key, _MISSING)
        try:
            at = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            at = None
        if at is not None and zone is not None:
            at = at.replace(tzinfo=zone)
        if at is None or at.tzinfo is None:
            self.refuse(f"has {value!r} in {key!r}, where a time with its zone was expected")
        return at

    def amount(self, key: str) -> Decimal | None:
        """An amount of money, from a number or a text; None if it is missing or no amount."""
        value = self.fields.get(key)
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
        """Raise UnexpectedAnswer: the answer isn't what it should be."""
        raise UnexpectedAnswer(
            f"{self._system}: the answer to {self._endpoint} {what}.",
            rule="Folio reads what the system's documentation says, and doesn't guess.",
            remedy="See whether the system was upgraded, or something between here and there changes its answers.",
            system=self._system,
            endpoint=self._endpoint,
        )

    def _value(self, key: str, default: Any) -> Any:
        value = self.fields.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            self.refuse(f"has no {key!r}")
        return default

    def _child(self, fields: object) -> "Record":
        return Record(fields, system=self._system, endpoint=self._endpoint)


def _kind(value: object) -> str:
    """JSON's name for the kind of a value; the value itself may be long, or confidential."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    kinds: list[tuple[type, str]] = [(str, "a text"), (int, "a number"), (float, "a number"), (list, "a list")]
    return next((name for kind, name in kinds if isinstance(value, kind)), "a record")


_log = logging.getLogger(__name__)

#: The errors of reading a refusal's body that doesn't have the form that the vendor documents.
SHAPELESS = (KeyError, TypeError, AttributeError, IndexError)
#: What PostgreSQL can't keep in a text, and how a body may write it.
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_MAY_BE_UNKEPT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|\xed[\xa0-\xbf]")
#: How many characters of the system's own words are shown.
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is the parsed JSON, or None if there was none. The repr hides it: it may hold a token."""

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


def loaded(content: bytes) -> Any:
    """The JSON of a body. NUL and halves of surrogate pairs, which PostgreSQL can't keep, become escapes."""
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
    return "broken JSON" if start.startswith((b"{", b"[")) else "something other than JSON"


def excerpt(content: bytes, explain: Callable[[Any], str]) -> str:
    """The system's own words about its refusal, in one short line; empty if they aren't JSON."""
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed attempt. ``passes``: another may succeed; ``untouched``: the system can't have acted on this one."""

    error: errors.AccountingError
    passes: bool
    untouched: bool
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What every failure of a request names. ``status`` is the answer's, if an answer came."""

    system: str
    endpoint: str
    status: int | None = None

    def unusable_credentials(self) -> Fault:
        told = "its credentials can't be sent."
        rule = "Credentials go into HTTP headers: plain ASCII, and no line breaks."
        remedy = "See how they were copied into the environment or the settings."
        return Fault(self._error(errors.Misconfigured, told, rule, remedy), passes=False, untouched=True)

    def unreachable(self, reason: str, *, sent: bool) -> Fault:
        told = f"no answer to {self.endpoint} ({reason})."
        rule = "The system must be there and answer in time."
        remedy = "The next run tries again. If this goes on, check its status page, the address and the network."
        return Fault(self._error(errors.Unreachable, told, rule, remedy), passes=True, untouched=not sent)

    def too_large(self, largest: int) -> Fault:
        told = f"the answer to {self.endpoint} is larger than {largest} bytes."
        rule = "One answer must fit into a worker's memory."
        remedy = "Ask for smaller pages by the option 'page_size' of the system."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=False, untouched=False)

    def unreadable(self, coding: str) -> Fault:
        told = f"the answer to {self.endpoint} can't be unpacked (Content-Encoding: {coding[:60]})."
        rule = "An answer is plain, or compressed once by gzip: packed twice, a few bytes become gigabytes."
        remedy = "See what is between here and there; a proxy may have packed it."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=True, untouched=False)

    def no_json(self, content: bytes) -> Fault:
        """Half of an answer, or a page that a proxy put in its place: the next answer may be whole."""
        told = f"{self.endpoint} answered {_what(content)} (HTTP {self.status})."
        rule = "The answers of this system are JSON."
        remedy = "Check its address in the settings, and whether a proxy or a login page is in between."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=True, untouched=False)

    def redirected(self) -> Fault:
        told = f"{self.endpoint} redirects to another address (HTTP {self.status})."
        rule = "Redirects aren't followed: they would take the credentials to another address."
        remedy = "If that address is the system's own, put it into the settings."
        return Fault(self._error(errors.UnexpectedAnswer, told, rule, remedy), passes=False, untouched=True)

    def limited(self, now: datetime, seconds: float) -> Fault:
        at = now + timedelta(seconds=seconds)
        told = f"{self.endpoint} was refused as one request too many (HTTP 429) until {at:%Y-%m-%d %H:%M:%S %Z}."
        rule = "The system limits how many requests it takes."
        remedy = "Nothing is lost: the next run goes on where this one stopped."
        error = self._error(errors.RateLimited, told, rule, remedy, retry_at=at)
        return Fault(error, passes=True, untouched=True, retry_after=seconds)

    def server_fault(self, said: str, retry_after: float | None = None) -> Fault:
        told = f"{self.endpoint} failed there (HTTP {self.status}){_quoted(said)}."
        rule = "The system must be able to carry out what it is asked."
        remedy = "The next run tries again. If this goes on, check its status page or its log."
        error = self._error(errors.ServerFault, told, rule, remedy)
        return Fault(error, passes=True, untouched=False, retry_after=retry_after)

    def rejected(self, said: str, kind: type[errors.Refused] | None, about: str) -> Fault:
        """Any other status of 400 to 499; ``kind`` if the adapter knows the system's own code for it."""
        meant: type[errors.AccountingError] = kind or _MEANING.get(self.status or 0, errors.Refused)
        what, rule, remedy = _REJECTED.get(meant, _REJECTED[errors.Refused])
        where = f"{self.endpoint}{f' for {about}' if about else ''}"
        told = f"{what.format(where)} (HTTP {self.status}){_quoted(said)}."
        # 408 is a time-out of the server, 425 is "too early": the same request may succeed later.
        error = self._error(meant, told, rule, remedy)
        return Fault(error, passes=self.status in {408, 425}, untouched=self.status != 408)

    def _error(
        self, kind: type[errors.AccountingError], told: str, rule: str, remedy: str, retry_at: datetime | None = None
    ) -> errors.AccountingError:
        return kind(
            f"{self.system}: {told}",
            rule=rule,
            remedy=remedy,
            system=self.system,
            endpoint=self.endpoint,
            status=self.status,
            retry_at=retry_at,
        )


_MEANING = {
    401: errors.AuthenticationFailed,
    403: errors.AuthenticationFailed,
    404: errors.NotThere,
    410: errors.NotThere,
}

_REJECTED: dict[type[errors.AccountingError], tuple[str, str, str]] = {
    errors.NumberRefused: (
        "{} was refused for its number",
        "A number must be free there, and of a form that the system takes.",
        "Look for the document that has it there; the next reconciliation shows it too.",
    ),
    errors.AuthenticationFailed: (
        "{} isn't allowed to us",
        "The credentials must be valid there, and reach as far as reading and writing invoices.",
        "See whether they were revoked, have run out, or lack a permission; then put the new ones in place.",
    ),
    errors.NotThere: (
        "there is nothing at {}",
        "What is asked for must be there.",
        "See whether it was deleted, and whether address and organisation in the settings are right.",
    ),
    errors.Refused: (
        "{} was refused",
        "The system takes what its own rules allow.",
        "Correct what it names; the same request would be refused again.",
    ),
}


def _quoted(said: str) -> str:
    return f": “{said}”" if said else ""
