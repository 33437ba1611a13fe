"""Columns that read every value that PostgreSQL can hold; values that Python can't hold are shown as they are.

In migrations, forms and look-ups they are Django's own. ``ledger.unreadable`` has what takes the place of such a value.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import Col
from django.db.models.fields.json import KeyTransform

from ledger import unreadable
from ledger.unreadable import Beyond, UnreadableFacts

# Django's own class takes no type argument at run time.
if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
else:
    AnyField = models.Field

# psycopg raises for values that Python can't hold before a field sees them, so SELECT replaces them by marks for what
# lies beyond the two ends. The type of the column stays the same, for unions and subqueries. Values at the very ends
# count as marks: no business has them in its calendar.
_LATE, _EARLY = "infinity", "-infinity"


class _Ends:
    """The two ends of a column's values, and the marks for what lies beyond."""

    def __init__(self, last: str, first: str, marks: dict[str, str]) -> None:
        self.last, self.first, self.marks = last, first, marks

    def within(self, sql: str) -> str:
        """The condition that the column is between the ends.

        Without BETWEEN, which PostgreSQL prints as a pair in brackets: a restored dump would have another text.
        """
        return f"{sql} >= '{self.first}' AND {sql} <= '{self.last}'"

    def select(self, sql: str) -> str:
        """The column with marks in place of values that Python can't hold; ELSE gives the result the column's name."""
        infinite, late, minus_infinite, early = self.marks
        return (
            f"CASE WHEN {sql} = '{_LATE}' THEN '{infinite}' WHEN {sql} > '{self.last}' THEN '{late}' "
            f"WHEN {sql} = '{_EARLY}' THEN '{minus_infinite}' WHEN {sql} < '{self.first}' THEN '{early}' "
            f"ELSE {sql} END"
        )


_MOMENTS = _Ends(
    "9999-12-28 00:00:00+00",
    "0001-01-05 00:00:00+00",
    {
        "9999-12-30 12:00:00.000001+00": _LATE,
        "9999-12-30 12:00:00.000002+00": "9999-12-28 or later",
        "0001-01-02 12:00:00.000003+00": _EARLY,
        "0001-01-02 12:00:00.000004+00": "0001-01-05 or earlier",
    },
)
_DAYS = _Ends(
    "9999-12-31",
    "0001-01-01",
    {
        "9999-12-30": _LATE,
        "9999-12-29": "10000-01-01 or later",
        "0001-01-02": _EARLY,
        "0001-01-03": "0001-01-01 BC or earlier",
    },
)
# A moment's mark is its microseconds, since its other parts depend on the zone in which it is read. Between these two
# nothing is a mark in any zone.
_FIRST_UNMARKED, _LAST_UNMARKED = (datetime.fromisoformat(day) for day in ("0001-01-04", "9999-12-29"))


def _read(text: str) -> Beyond:
    is_late = text.endswith(("later", _LATE)) and text != _EARLY
    return Beyond(text, is_late=is_late, in_sql=_LATE if is_late else _EARLY)


_MARKED_MOMENTS = {at: _read(text) for at, text in enumerate(_MOMENTS.marks.values(), 1)}
_MARKED_DAYS = {date.fromisoformat(day): _read(text) for day, text in _DAYS.marks.items()}


class _BoundedCol(Col):
    """A column in the list of a SELECT; in a condition or an expression it stays itself."""

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        ends: _Ends = self.target.ends  # type: ignore[attr-defined]
        return ends.select(sql), params


class _Kept(AnyField):
    """Never writes the substitute of a value that could not be read."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The column itself if only a substitute of its value is known."""
        value = super().pre_save(model_instance, add)
        unread = isinstance(value, (Beyond, UnreadableFacts)) and not add
        return models.F(self.attname) if unread else value

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """In migrations it is Django's own field."""
        name, _, args, kwargs = super().deconstruct()
        own = next(base for base in type(self).__mro__ if base.__module__.startswith("django."))
        return name, f"django.db.models.{own.__name__}", args, kwargs


class _Bounded(_Kept):
    """The common part of days and moments, beside Django's own field."""

    ends: _Ends

    def get_col(self, alias: str, output_field: Any = None) -> Col:
        """Ours in place of Django's, for each use of the column."""
        if alias == self.model._meta.db_table and (output_field is None or output_field == self):
            return self.cached_col
        return _BoundedCol(alias, self, output_field)

    @cached_property
    def cached_col(self) -> Col:
        """The column of the field's own table."""
        return _BoundedCol(self.model._meta.db_table, self)

    def to_python(self, value: Any) -> Any:
        """A value that was read before stays as it is, for example in look-ups."""
        return value if isinstance(value, Beyond) else super().to_python(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """In a look-up it is a value that the database can compare."""
        return value.in_sql if isinstance(value, Beyond) else super().get_db_prep_value(value, connection, prepared)


class MomentField(_Bounded, models.DateTimeField):  # type: ignore[type-arg]
    """Gives ``Beyond`` for a moment at infinity, or in a year that Python doesn't have."""

    ends = _MOMENTS

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """As Django reads it, or what lies beyond."""
        if not isinstance(value, datetime) or _FIRST_UNMARKED < value.replace(tzinfo=None) < _LAST_UNMARKED:
            return value
        return _MARKED_MOMENTS.get(value.microsecond, value)


class DayField(_Bounded, models.DateField):  # type: ignore[type-arg]
    """Gives ``Beyond`` for a day at infinity, or in a year that Python doesn't have."""

    ends = _DAYS

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """As Django reads it, or what lies beyond."""
        return _MARKED_DAYS.get(value, value)


class FactsField(_Kept, models.JSONField):
    """A JSON object; ``UnreadableFacts``, which is one too, for anything else in the column."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """The object, or whatever a part of it is."""
        if not isinstance(value, str):
            return value
        return unreadable.value(value) if isinstance(expression, KeyTransform) else unreadable.facts(value)
