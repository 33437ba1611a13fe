"""Reading what a system answered, field by field: what is missing or of another kind is told by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from workers.accounting.errors import UnexpectedAnswer

_MISSING: Any = object()


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

    def record(self, key: str) -> Record:
        return self._child(self._value(key, _MISSING))

    def records(self, key: str, default: list[Any] = _MISSING) -> list[Record]:
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

    def _child(self, fields: object) -> Record:
        return Record(fields, system=self._system, endpoint=self._endpoint)


def _kind(value: object) -> str:
    """What JSON calls it; the value itself may be long, or nobody's business."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    kinds: list[tuple[type, str]] = [(str, "a text"), (int, "a number"), (float, "a number"), (list, "a list")]
    return next((name for kind, name in kinds if isinstance(value, kind)), "a record")
