"""Finds values that the ledger never writes, and that Python, a file or a person may not be able to read.

Every column of every table is checked by its type, which the models give, so that a new column can't be forgotten.
Found are moments and days that Python's calendar doesn't have; JSON that is no object, too large, nested too deep, or
has a number that is no float; keys and reasons with characters that nobody can see; and series whose settings this
version can't read. Pages and reports show such a row as it is (``ledger.unreadable``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import calendars
from ledger.cursors import stream
from ledger.errors import InvalidArgument
from ledger.models import Allocation, Series
from ledger.models.readable import DayField, FactsField, MomentField
from ledger.models.tables import ACCESS, DIARY, MIRROR
from ledger.series import series_of
from ledger.verification.findings import Alarm, alarm_for

#: The most JSON that the ledger accepts: bytes, and levels.
BYTES, LEVELS = 64 * 1024, 32

_CHUNK = 1000

#: Tables whose texts come from elsewhere, such as accounting systems and error messages: they may hold anything.
_OF_OTHERS: Final = {model.__name__ for model in (*MIRROR, *DIARY, *ACCESS)} | {
    *("AlarmRaised", "FindingRaised", "DraftMade", "DraftCancelled", "RemotePool", "Ticket"),
    *("AdoptingRow", "AdoptingDay"),
}
#: Columns in which the database itself notes who wrote a row.
_ROLES: Final = {"db_login", "db_role"}

# Control characters and line separators; in keys also marks that change the direction of writing. A reason may have
# several lines. The guards of the tables refuse the same (``ledger_is_key``, ``ledger_is_prose``). The rule is repeated
# here, because those guards are among what is verified.
_HIDDEN: Final = r"[\u0001-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_HIDDEN_IN_LINES: Final = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, a condition that is true for values that can't be read, and SQL that describes such a value."""

    name: str
    broken: str
    told: str


def unreadable_rows(connection: BaseDatabaseWrapper, tenant: str | None, series: str | None) -> Iterator[Alarm]:
    """Every such value, and every series with such a setting."""
    there = set(connection.introspection.table_names())
    for model in apps.get_app_config("ledger").get_models():
        columns = [] if model._meta.proxy else list(_columns(model))
        if columns and model._meta.db_table in there:
            yield from _of_table(connection, model, columns, tenant, series)
    yield from _settings(connection, tenant, series)


def _columns(model: type[models.Model]) -> Iterator[_Column]:
    texts = (models.CharField, models.TextField)
    for field in model._meta.concrete_fields:
        column = str(field.column)
        name = f't."{column}"'
        if isinstance(field, MomentField | DayField):
            yield _Column(column, f"NOT ({field.ends.within(name)})", f"{name}::text")
        elif isinstance(field, FactsField):
            yield _facts(column, name, of_others=model.__name__ in _OF_OTHERS)
        elif isinstance(field, texts) and model.__name__ not in _OF_OTHERS and column not in _ROLES:
            hidden = _HIDDEN_IN_LINES if isinstance(field, models.TextField) else _HIDDEN
            told = f"'hidden characters in ' || left(regexp_replace({name}, '{hidden}', '�', 'g'), 80)"
            yield _Column(column, f"{name} ~ '{hidden}'", told)


def _facts(column: str, name: str, *, of_others: bool) -> _Column:
    """JSON of an accounting system may be long. All other JSON must be as ``ledger_is_facts`` asks."""
    large = "false" if of_others else f"octet_length({name}::text) > {BYTES}"
    deep = f"""jsonb_path_exists({name}, 'strict $.**{{{LEVELS}}} ? (@.type() == "array" || @.type() == "object")')"""
    number = rf"""(octet_length({name}::text) >= 1000
                  AND regexp_replace({name}::text, '"(?:[^"\\]|\\.)*"', '', 'g') ~ '([0-9.]{{250}}){{4}}')"""
    broken = f"""({name} <> '{{}}' AND (jsonb_typeof({name}) <> 'object' OR {large} OR {deep} OR {number}))"""
    told = f"""CASE WHEN jsonb_typeof({name}) <> 'object' THEN 'JSON that is no object but ' || jsonb_typeof({name})
                    WHEN {large} THEN octet_length({name}::text) || ' bytes of JSON'
                    WHEN {deep} THEN 'JSON of more than {LEVELS} levels'
                    ELSE 'JSON with a number of 1,000 digits or more' END"""
    return _Column(column, broken, told)


def _of_table(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    columns: list[_Column],
    tenant: str | None,
    series: str | None,
) -> Iterator[Alarm]:
    names = {str(field.column) for field in model._meta.concrete_fields}
    if not isinstance(model._meta.get_field("number") if "number" in names else None, models.CharField):
        names.discard("number")  # that of a batch, for instance
    if tenant is not None and "tenant" not in names:
        return  # these rows belong to no tenant
    if series is not None and model is not Series and not names & {"series_id", "period_id"}:
        return
    found = stream(connection.alias, _statement(model, columns, names), {"tenant": tenant, "series": series})
    for owner, code, value, number, row, column, detail in found:
        facts: dict[str, Any] = {"tenant": owner, "series": code, "value": value, "number": number, "id": row}
        yield alarm_for("unreadable", detail, column=column, table=model._meta.db_table, **facts)


def _statement(model: type[models.Model], columns: list[_Column], names: set[str]) -> str:
    """The broken values of one table, in no order: tenant, series, value, number, id, column, description."""
    table = model._meta.db_table
    period = "LEFT JOIN ledger_period p ON p.id = t.period_id" if "period_id" in names else ""
    its_series = "t.id" if model is Series else "t.series_id" if "series_id" in names else "p.series_id"
    joined = period or model is Series or "series_id" in names
    code = "s.code" if joined else "NULL::text"
    owner = "t.tenant" if "tenant" in names else "NULL::text"
    # The broken rows are chosen first, so that all others, nearly all of the table, are looked at only once.
    broken = " OR ".join(column.broken for column in columns)
    cases = " ".join(f"WHEN '{column.name}' THEN {column.told}" for column in columns)
    return f"""
    SELECT {owner}, {code}, {"t.value" if "value" in names else "NULL::bigint"},
           {"t.number" if "number" in names else "NULL::text"}, {"t.id" if "id" in names else "NULL::bigint"},
           v.name, CASE v.name {cases} END
    FROM (SELECT t.* FROM {table} t WHERE {broken}) t
    {period}
    {f"LEFT JOIN ledger_series s ON s.id = {its_series}" if joined else ""}
    CROSS JOIN LATERAL (VALUES
        {", ".join(f"('{column.name}', {column.broken})" for column in columns)}
    ) AS v (name, broken)
    WHERE v.broken
      AND (%(tenant)s::text IS NULL OR {owner} = %(tenant)s) AND (%(series)s::text IS NULL OR {code} = %(series)s)
    """  # noqa: S608  (our own text)


def _settings(connection: BaseDatabaseWrapper, tenant: str | None, series: str | None) -> Iterator[Alarm]:
    for one in series_of(connection.alias, tenant, series).order_by("tenant", "code").iterator(chunk_size=_CHUNK):
        for problem in _problems(one):
            yield alarm_for("setting", problem, tenant=one.tenant, series=one.code, id=one.pk)


def _problems(series: Series) -> Iterator[str]:
    """What of a series' settings this version can't read."""
    if series.allocation not in Allocation.values:
        yield f"The allocation {series.allocation!r} is unknown."
    for check in (lambda: calendars.zone(series.time_zone), series.as_template):
        try:
            check()
        except InvalidArgument as error:
            yield error.problem
