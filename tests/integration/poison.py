"""Rows that PostgreSQL takes and Python can't hold, in every table of Folio, beside a healthy tenant.

Which tables and columns there are is read from the models, so that a new one can't be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models.fields.json import JSONField

from ledger import define_series, issue
from ledger.models import Period, Series, TenantMove, Ticket
from tests.integration.pages import Shop, shop

#: Control characters, a change of the direction of writing, characters that no XML may hold, and a separator of lines.
ODD_TEXT = "odd\x01\x1b[31m\u202eevil\u2066\ufeff\u2028\ufffe\uffff\x7f\x85\t\r\nend"


@dataclass(frozen=True)
class Poison:
    """The values of one row of each table: SQL by the column's type. ``shown``: what pages show for them."""

    name: str
    moment: str = ""
    day: str = ""
    facts: str = ""
    text: str = ""
    shown: str = ""


POISONS = (
    Poison("infinity", "'infinity'", "'infinity'", "'[1]'", shown="infinity"),
    Poison("minus infinity", "'-infinity'", "'-infinity'", "'1'", shown="-infinity"),
    Poison("far", "'294276-12-31 23:59:59+00'", "'5874897-12-31'", "'null'", shown="or later"),
    Poison("before Christ", "'4713-01-01 00:00:00+00 BC'", "'4713-01-01 BC'", "'\"text\"'", shown="or earlier"),
    Poison("first", "'0001-01-01 00:00:00+00'", "'0001-01-01'", """('{"cause": ' || repeat('9', 100000) || '}')"""),
    Poison(
        "last",
        "'9999-12-31 23:59:59.999999+00'",
        "'9999-12-31'",
        """('{"cause": ' || repeat('[', 3000) || repeat(']', 3000) || '}')""",
    ),
    Poison(
        "shape and odd text",
        facts="""'{"cause": {"a": [1]}, "here": "x", "there": [5, {"state": null}], "flagged": [1]}'""",
        text="E'" + "".join(rf"\u{ord(one):04x}" for one in ODD_TEXT) + "'",
    ),
    Poison("other shape", facts="""('{"here": [1], "there": 5, "cause": ' || repeat('9', 400) || '.5e10}')"""),
    Poison("large", facts="""('{"cause": "' || repeat('large ', 20000) || '"}')"""),
)

#: Texts that Folio compares: what an unknown one does is for test_poison_settings.py.
_NAMES = {"tenant", "kind", "state", "sweep", "system", "code", "user", "subject", "reference_there"}
_SETTINGS = {"template", "calendar", "fiscal_start", "time_zone", "allocation", "rules"}


def folios_models() -> list[type[models.Model]]:
    """Every table of Folio's own apps."""
    every = [*apps.get_app_config("ledger").get_models(), *apps.get_app_config("ledger_workers").get_models()]
    return [model for model in every if not model._meta.proxy]


@contextmanager
def guards_down() -> Iterator[None]:
    """Without triggers and check constraints. Afterwards the tables are empty, and the guards are back."""
    tables = [model._meta.db_table for model in folios_models()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
            " WHERE tgrelid = ANY (%s::text[]::regclass[]) AND NOT tgisinternal",
            [tables],
        )
        triggers = cursor.fetchall()
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = ANY (%s::text[]::regclass[]) AND contype IN ('c', 'x')",
            [tables],
        )
        constraints = cursor.fetchall()
    _each(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables)
    _each(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _ in constraints)
    try:
        yield
    finally:
        _each([f"TRUNCATE {', '.join(tables)}"])
        how = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}
        _each(f"ALTER TABLE {table} {how[enabled]} TRIGGER {name}" for table, name, enabled in triggers)
        _each(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}" for table, name, text in constraints)


def _each(statements: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@dataclass(frozen=True)
class Places:
    """A healthy tenant, a poisoned one, and the poisoned rows, by model."""

    good: Shop
    bad: Shop
    rows: dict[type[models.Model], models.Model]


def places() -> Places:
    """Two shops; the second has a row in every table, for which the guards are switched off."""
    good, bad = shop("mumbai", "M"), shop("berlin", "B")
    # Of its own, so that the invoices beside it can be seen as they are.
    define_series("old", org="berlin", template="OLD-{year}-{counter}", time_zone="UTC")
    with transaction.atomic():
        entry = issue("old", org="berlin", document="old:1", on=date(2026, 3, 1))
    rows: dict[type[models.Model], models.Model] = {
        Series: Series.objects.get(tenant="berlin", code="old"),
        Period: Period.objects.get(tenant="berlin", series__code="old"),
    }
    for model in folios_models():
        if model not in rows:
            rows[model] = _row_of(model, rows)
    assert entry.number == "OLD-2026-1"
    return Places(good, bad, rows)


def _row_of(model: type[models.Model], rows: dict[type[models.Model], models.Model]) -> models.Model:
    names = {field.name for field in model._meta.concrete_fields}
    there = model._base_manager.filter(tenant="berlin") if "tenant" in names else model._base_manager.all()
    found = there.order_by("pk").first()
    return found or model._base_manager.create(**{f.name: _filled(f, rows) for f in _needed(model)})


def _needed(model: type[models.Model]) -> list[Any]:
    fields = [
        each for each in model._meta.concrete_fields if not (each.primary_key and isinstance(each, models.AutoField))
    ]
    return [
        each
        for each in fields
        if (not each.has_default() and each.db_default is models.NOT_PROVIDED) or each.name == "tenant"
    ]


def _filled(wanted: Any, rows: dict[type[models.Model], models.Model]) -> Any:
    if isinstance(wanted, models.ForeignKey):
        return None if wanted.null and wanted.related_model not in rows else rows[wanted.related_model]
    if wanted.name == "tenant":
        return "berlin"
    if wanted.model is TenantMove and wanted.name == "state":
        return TenantMove.State.ARRIVED  # any other keeps the tenant from everything
    values: dict[Any, Any] = {
        (models.IntegerField, models.FloatField, models.DecimalField): 1,
        models.DateTimeField: "2026-03-01T10:00:00Z",
        models.DateField: "2026-03-01",
        models.BooleanField: False,
        JSONField: {"a": 1},
        models.CharField: wanted.choices[0][0] if wanted.choices else "x",
        models.TextField: "x",
        models.BinaryField: b"x",
    }
    for kind, value in values.items():
        if isinstance(wanted, kind):
            return value
    return [value_of(wanted.base_field)]


def value_of(wanted: Any) -> Any:
    """One element of an array."""
    return 1 if isinstance(wanted, models.IntegerField) else "x"


def poison(there: Places, given: Poison) -> None:
    """Write the values into one row of every table."""
    for model, row in there.rows.items():
        changes = [(f.column, value) for f in model._meta.concrete_fields if (value := _value(model, f, given))]
        if not changes:
            continue
        keys = list(model._meta.pk_fields)
        table, where = model._meta.db_table, " AND ".join(f'"{key.column}" = %s' for key in keys)
        values = [getattr(row, key.attname) for key in keys]
        set_ = ", ".join(f'"{column}" = {value}' for column, value in changes)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {set_} WHERE {where}".replace("%'", "%%'"), values)
            assert cursor.rowcount == 1, model


def _value(model: type[models.Model], column: Any, given: Poison) -> str:
    if column in model._meta.pk_fields:
        return ""  # the tests find the row by it
    if isinstance(column, models.DateTimeField):
        return given.moment
    if isinstance(column, models.DateField):
        return given.day
    if isinstance(column, JSONField):
        return given.facts and f"({given.facts})::jsonb"
    if not isinstance(column, (models.CharField, models.TextField)) or column.name in _NAMES | _SETTINGS:
        return ""
    if model is Ticket or column.choices or column.primary_key:
        return ""
    length = f"left({given.text}, {column.max_length})" if column.max_length else given.text
    return given.text and length
