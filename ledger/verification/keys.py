"""Rule 3: documents and tenants whose key isn't the one that their row, or their text, would get today.

An earlier version of Folio wrote such a key, or another program did, or the model has moved since. The number is fine.
But if it is asked for again for the same row, Folio looks under today's key: the document gets a second number, and a
tenant begins at 1.

The models give the labels and forms of primary keys (``expected_keys``), and PostgreSQL compares, in one pass over the
entries. A text that names no row (``order:17``, ``shop.order:17/copy`` if orders have integer keys) is its own key.
"""

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import CompositePrimaryKey

from ledger.instances import column, topmost
from ledger.texts import is_key_sql

# By the type of a primary key: a pattern of what its field reads, and one of what stands in a key. Any other type
# (texts, the project's own fields) can have in a key whatever it reads.
_INTEGER = ("[+-]?[0-9]+(_[0-9]+)*", "(0|-?[1-9][0-9]*)")
_HEX = "[0-9a-f]"
_FORMS: "dict[type[models.Field[Any, Any]], tuple[str, str]]" = {
    models.IntegerField: _INTEGER,
    models.UUIDField: (
        r"(urn:)?(uuid:)?\{?-*([0-9A-Fa-f]-*){32}\}?",
        "-".join(f"{_HEX}{{{length}}}" for length in (8, 4, 4, 4, 12)),
    ),
    models.BooleanField: ("(True|t|1|False|f|0)", "(True|False)"),
    models.DateTimeField: (
        "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?\+00:00",
    ),
    models.DateField: ("[0-9]{4}-?[0-9]{1,2}-?[0-9]{1,2}", "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
}
_DECIMAL = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_ANY = ".+"

# A text as a part of a composite key.
_PART = r"([^\\,]|\\.)*"


def expected_keys() -> dict[str, list[str | None]]:
    """What the installed models expect of a key, as columns of a table with one row for each label.

    ``instead`` is the label in today's keys, if that is another one: a child or a proxy has that of the topmost parent.
    ``reads`` is a pattern of all primary keys that rows of the label can have, ``writes`` one of those that can stand
    in a key; null if all can.
    """
    columns: dict[str, list[str | None]] = {"labels": [], "instead": [], "reads": [], "writes": []}
    for model in apps.get_models():
        roots = topmost(model)
        instead = None if roots == (model,) else " or ".join(root._meta.label_lower for root in roots)
        reads, writes = _forms(roots[0])
        if instead is None and writes is None:
            continue
        for name, value in zip(columns, (model._meta.label_lower, instead, reads, writes), strict=True):
            columns[name].append(value)
    return columns


def _forms(model: type[models.Model]) -> tuple[str, str | None]:
    """Patterns of the model's primary keys: those that it reads, and those in a key; None if they are the same."""
    pk: Any = model._meta.pk
    if not isinstance(pk, CompositePrimaryKey):
        reads, writes = _of_column(pk)
        return f"^({reads})$", writes and f"^({writes})$"
    forms = [_of_column(field) for field in pk.fields]
    parts = [(_PART, _PART) if writes is None else (reads, writes) for reads, writes in forms]
    reads, writes = (",".join(f"({part})" for part in each) for each in zip(*parts, strict=True))
    # Before keys had a form for it, they had Python's for a tuple.
    return rf"^(\(.+\)|{reads})$", f"^{writes}$"


def _of_column(field: Any) -> tuple[str, str | None]:
    own: Any = column(field)
    if _is_djangos(own, models.DecimalField):
        places = own.decimal_places
        fraction = rf"\.[0-9]{{{places}}}" if places else r"(\.[0-9]*[1-9])?" if places is None else ""
        return _DECIMAL, f"-?(0|[1-9][0-9]*){fraction}"
    for kind, forms in _FORMS.items():
        if isinstance(own, kind):  # the nearest type: a moment is also a date, but has another form
            return forms if _is_djangos(own, kind) else (_ANY, None)
    return _ANY, None


def _is_djangos(field: Any, kind: "type[models.Field[Any, Any]]") -> bool:
    """Whether the field is of a type and reads as Django's does; a project's own field may write whatever it likes."""
    reads = isinstance(field, kind) and type(field).to_python is kind.to_python
    return reads and not hasattr(field, "from_db_value")


# Each key that isn't today's: a document that can't be a key, a tenant, a code; of the documents of one series and
# label only the first (there may be millions after a model got a parent).
KEYS = f"""
    WITH models AS (
        SELECT * FROM unnest(%(labels)s::text[], %(instead)s::text[], %(reads)s::text[], %(writes)s::text[])
            AS m (label, instead, reads, writes)
    ), keys AS (
        SELECT 'document' AS what, e.tenant, e.series_id, e.period_id, e.value, e.number, e.id, e.document AS key
        FROM ledger_entry e
        WHERE e.document <> '' AND (%(tenant)s::text IS NULL OR e.tenant = %(tenant)s)
        UNION ALL
        SELECT 'tenant', s.tenant, s.id, NULL, NULL, NULL, s.id, s.tenant
        FROM ledger_series s
        WHERE s.tenant <> '' AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s)
        UNION ALL
        SELECT 'code', s.tenant, s.id, NULL, NULL, NULL, s.id, s.code
        FROM ledger_series s
        WHERE %(tenant)s::text IS NULL OR s.tenant = %(tenant)s
    ), judged AS (
        SELECT k.*, m.label, m.instead,
               CASE WHEN NOT ({is_key_sql("k.key")}) THEN k.what || '-text'
                    WHEN substr(k.key, length(m.label) + 2) ~ m.reads
                        THEN CASE WHEN m.instead > '' THEN k.what || '-of-child'
                                  WHEN substr(k.key, length(m.label) + 2) !~ m.writes THEN k.what || '-form' END
               END AS found
        FROM keys k
        LEFT JOIN models m ON m.label = split_part(k.key, ':', 1) AND k.what <> 'code'
        LEFT JOIN ledger_series s ON s.id = k.series_id
        WHERE %(series)s::text IS NULL OR s.code = %(series)s
    ), told AS (
        SELECT j.*, count(*) OVER alike AS many, row_number() OVER (alike ORDER BY j.id) AS place
        FROM judged j
        WHERE j.found IS NOT NULL
        WINDOW alike AS (PARTITION BY j.found, j.tenant, j.label,
                         CASE WHEN j.what = 'tenant' THEN 0 WHEN right(j.found, 5) = '-text' THEN j.id
                              ELSE j.series_id END)
    )
    SELECT t.found, t.tenant, t.series_id, t.period_id, t.value, NULL::bigint, t.number, t.id,
           t.key || CASE WHEN t.what = 'document' AND t.many > 1
                         THEN ' and ' || (t.many - 1)::text || ' more' ELSE '' END
                 || coalesce(', today ' || t.instead || ':…', '')
    FROM told t
    WHERE t.place = 1
"""  # noqa: S608  (what is put in is a constant of ours)
