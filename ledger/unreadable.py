"""Values that PostgreSQL can hold and Python can't, turned into something that can be shown.

A moment may be ``infinity`` or lie in the year 294276; JSON may hold a number of 100,000 digits, be nested 3,000 levels
deep, or be a list where the ledger keeps an object. Folio writes no such value. If such a row exists anyway, a reader
must see it and never get an exception, because the rows beside it are needed.

Columns of the models are read by ``ledger.models.readable``, our own statements by ``ledger.cursors``; both use this.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

#: Levels of JSON that are read; the ledger takes 32.
LEVELS = 64

#: What the facts of a row that could not be read are called.
UNREADABLE = "unreadable"

#: Characters of a value that are shown of what could not be read.
_SHOWN = 200

# A float or an integer with fewer digits is read by Python as it is.
_MANY_DIGITS = re.compile(r"[0-9]{309}")


class Beyond(str):
    """A moment or a day that Python can't hold; its text is what the database says, such as ``infinity``.

    It is a string, so that templates, files and JSON show it as it is. It also behaves like a date where Folio and
    Django need one: it lies before or after all dates, its distance to each is the longest there is, and it is the same
    in every time zone and format.
    """

    __slots__ = ("in_sql", "is_late")

    is_late: bool
    #: What a statement gets for it: its text if that is the whole value, else the infinity on its side.
    in_sql: str
    #: Any zone would do.
    tzinfo = UTC

    def __new__(cls, text: str, *, is_late: bool | None = None, in_sql: str = "") -> "Beyond":
        """``is_late``: whether it lies after all dates, or before them; by default the text says so."""
        made = super().__new__(cls, text)
        made.is_late = not (text.startswith("-") or text.endswith(" BC")) if is_late is None else is_late
        made.in_sql = in_sql or text
        return made

    def __reduce__(self) -> Any:
        return partial(Beyond, is_late=self.is_late, in_sql=self.in_sql), (str(self),)

    def __str__(self) -> str:
        return str.__str__(self)

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if isinstance(other, str) else False

    def __lt__(self, other: object) -> bool:
        return _place(self) < _place(other)

    def __gt__(self, other: Any) -> bool:
        return _place(self) > _place(other)

    def __le__(self, other: Any) -> bool:
        return _place(self) <= _place(other)

    def __ge__(self, other: Any) -> bool:
        return _place(self) >= _place(other)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return self
        return _LONGEST[_place(self) - _place(other)]

    def __rsub__(self, other: Any) -> Any:
        return _LONGEST[_place(other) - _place(self)]

    def __add__(self, other: Any) -> Any:
        return self if isinstance(other, timedelta) else str.__add__(self, other)

    def __radd__(self, other: Any) -> Any:
        return self if isinstance(other, timedelta) else NotImplemented

    def __format__(self, spec: str) -> str:
        return str(self) if "%" in spec else str.__format__(str(self), spec)

    def utcoffset(self) -> timedelta:
        """Makes it an aware moment."""
        return timedelta(0)

    def astimezone(self, tz: Any = None) -> "Beyond":
        """It is the same in every zone."""
        return self

    def date(self) -> "Beyond":
        """Its day lies beyond all days as well."""
        return self

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """Its text."""
        return str(self)

    def strftime(self, form: str) -> str:
        """Its text."""
        return str(self)

    def timestamp(self) -> float:
        """Infinity, or minus infinity."""
        return math.inf if self.is_late else -math.inf


def _place(other: object) -> int:
    """Where a date or a Beyond lies: 0 among Python's dates, 1 after them, -1 before them."""
    if isinstance(other, Beyond):
        return 1 if other.is_late else -1
    if isinstance(other, date):
        return 0
    raise TypeError(f"{other!r} can't be compared with a date.")


_LONGEST = {-2: timedelta.min, -1: timedelta.min, 0: timedelta(0), 1: timedelta.max, 2: timedelta.max}

# Python can convert what lies between these two to every time zone.
_FIRST, _LAST = datetime(1, 1, 5, tzinfo=UTC), datetime(9999, 12, 28, tzinfo=UTC)


def bounded(moment: datetime, text: str) -> datetime | Beyond:
    """An aware moment, or its text where it lies so near to an end of Python's years that some zone can't hold it."""
    return moment if _FIRST <= moment <= _LAST else Beyond(text, is_late=moment > _LAST)


def day_or_none(day: Any) -> date | None:
    """The day, or None for one that no calendar of Python has."""
    return day if isinstance(day, date) else None


class UnreadableFacts(dict[str, Any]):
    """Takes the place of a JSON object that can't be read, or only in part.

    It has one entry that says what is there, or all entries where only some numbers in them are too long. ``text`` is
    the JSON as the database has it.
    """

    def __init__(self, told: str | Mapping[str, Any] | Iterable[tuple[str, Any]], text: str = "") -> None:
        super().__init__({UNREADABLE: told} if isinstance(told, str) else told)
        self.text = text

    def __reduce__(self) -> Any:
        return UnreadableFacts, (dict(self), self.text)


def facts(text: str | None) -> dict[str, Any]:
    """The object that a JSON text holds; ``UnreadableFacts`` for anything else, and for what Python can't read.

    A number with more digits than Python reads becomes a text that says so; the facts beside it stay.
    """
    if text is None:
        return {}
    found = value(text)
    if isinstance(found, dict):
        return found
    return UnreadableFacts(f"{_article(found)} where an object should be: {cut(text)}", text)


def value(text: str) -> Any:
    """What a JSON text holds, whatever it is; ``UnreadableFacts`` for what Python can't read."""
    try:
        found = _parsed(text)
    except RecursionError:
        found, levels = None, LEVELS + 1
    except ValueError as error:
        return UnreadableFacts(f"no JSON that Python can read: {error}", text)
    else:
        # Each level needs a bracket, so most texts need no walk.
        levels = nesting(found) if text.count("[") + text.count("{") > LEVELS else 0
    if levels > LEVELS:
        return UnreadableFacts(f"JSON of more than {LEVELS} levels, {len(text):,} characters: {cut(text)}", text)
    return found


def objects(found: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in what should be a list of objects; anything else comes as UnreadableFacts."""
    for one in found if isinstance(found, list) else [found] if found else []:
        yield one if isinstance(one, Mapping) else UnreadableFacts(f"no object: {cut(str(one))}", str(one))


def cut(text: str, longest: int = _SHOWN) -> str:
    """The beginning of a text, for people, with its length where something is left out."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def _parsed(text: str) -> Any:
    if _MANY_DIGITS.search(text) is None:
        return json.loads(text)
    unread: list[str] = []

    def told(digits: str) -> str:
        unread.append(f"{UNREADABLE}: a number of {len(digits.lstrip('-')):,} digits")
        return unread[-1]

    def whole(digits: str) -> int | str:
        try:
            return int(digits)
        except ValueError:
            return told(digits)

    def broken(digits: str) -> float | str:
        number = float(digits)
        return number if math.isfinite(number) else told(digits)

    found = json.loads(text, parse_int=whole, parse_float=broken)
    return UnreadableFacts(found, text) if unread and isinstance(found, dict) else found


def nesting(found: Any) -> int:
    """How deep lists and objects are nested, counted up to one level more than is read."""
    level, inside = 0, [found]
    while level <= LEVELS and (inside := [one for one in inside if isinstance(one, (dict, list))]):
        level += 1
        inside = [each for one in inside for each in (one.values() if isinstance(one, dict) else one)]
    return level


def _article(found: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth", type(None): "null"}
    return names.get(type(found), "a number")
