"""One answer of a system, read whole, and what makes an answer an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from workers.accounting.errors import UnexpectedAnswer
from workers.accounting.records import Record

#: What reading an error's body raises, when that isn't of the form that the vendor documents.
SHAPELESS = (KeyError, TypeError, AttributeError, IndexError)
#: As much of the system's own words as helps a person.
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is what the JSON said; None where there was none."""

    status: int
    headers: httpx.Headers
    body: Any
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
        return json.loads(content)
    except (ValueError, RecursionError):
        pass
    raise UnexpectedAnswer(
        f"{system}: {endpoint} answered {_what(content)} (HTTP {status}).",
        rule="The answers of this system are JSON.",
        remedy="See whether its address in the settings is right, and whether a proxy or a login page is in between.",
        system=system,
        endpoint=endpoint,
        status=status,
    )


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
        said = explain(json.loads(content))
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
