"""One answer of a system, read whole, and what makes an answer an error."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from workers.accounting.errors import UnexpectedAnswer
from workers.accounting.records import Record

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
