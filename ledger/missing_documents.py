"""Numbers whose document no longer exists: a row that somebody deleted, by Django or behind its back.

The models with a NumberField are watched, and those that ``LEDGER["DOCUMENTS"]`` names. A number has lost its document
if the document's key names a row that isn't there; a text that names no row (``order:17``) is its own document. But if
a model that the setting names has a NumberField with ``document=``, all numbers of its series belong to its rows: such
a number has lost its document if no row has it. Where ``series`` is a function too, the numbers keep the field's name
in their metadata, so they are watched in every series.

Each is a finding of the kind ``no-document``, and its system is the model. It is resolved when the row is there again,
or the number is void. Until then people can acknowledge the finding and say why it may stand.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, router

from ledger.conf import ledger_settings
from ledger.cursors import fetch, id_batches
from ledger.failures import Failures
from ledger.instances import label, pk_text, pk_value, topmost
from ledger.models import Entry
from ledger.replacing import valid

_log = logging.getLogger(__name__)

#: The key in a number's metadata for the NumberField that gave it: "shop.order.number".
MARK = "number_field"

#: The numbers of watched models. Arguments: labels, codes of series, marks, tenant (null for all), after (the id of the
#: last one read), size.
_OF_MODELS = """
    SELECT e.id FROM ledger_entry e
    WHERE e.id > %(after)s AND e.document > ''
      AND (split_part(e.document, ':', 1) = ANY (%(labels)s::text[])
           OR e.series_id IN (SELECT s.id FROM ledger_series s WHERE s.code = ANY (%(codes)s::text[]))
           OR e.metadata ->> 'number_field' = ANY (%(marks)s::text[]))
      AND (%(tenant)s::text IS NULL OR e.tenant = %(tenant)s)
    ORDER BY e.id
    LIMIT %(size)s
"""

#: Raises and resolves. Arguments: tenant, label, the entries that were looked at, those of them without a document.
_NOTE = "SELECT * FROM ledger_note_documents(%s, %s, %s::bigint[], %s::bigint[])"


def watched() -> dict[str, type[models.Model]]:
    """The models whose rows are looked for, by the beginning of their keys. Raises LookupError for an unknown name."""
    # A NumberField whose document is its own row has this mark. (Its class is not imported here.)
    own = [(model, field) for model in apps.get_models() for field in model._meta.local_fields]
    numbered = [model for model, field in own if getattr(field, "is_given_to_its_row", False)]
    named = [apps.get_model(name) for name in ledger_settings().documents]
    models_of: list[type[models.Model]] = [*numbered, *named]
    return {label(model): topmost(model)[0] for model in models_of if len(topmost(model)) == 1}


def watched_texts() -> dict[str, list[Any]]:
    """The NumberFields of the models that the setting names whose documents are texts, by the code of their series."""
    found: dict[str, list[Any]] = defaultdict(list)
    for name in ledger_settings().documents:
        for field in apps.get_model(name)._meta.concrete_fields:
            if series := getattr(field, "series_of_texts", None):
                found[series].append(field)
    return found


def watched_marks() -> dict[str, list[Any]]:
    """The NumberFields whose series and documents are functions, by the mark of their numbers."""
    fields: Iterator[Any] = (field for model in apps.get_models() for field in model._meta.local_fields)
    return {field.mark: [field] for field in fields if getattr(field, "mark", None)}


def numbers(alias: str, size: int, *, tenant: str | None = None) -> Iterator[Sequence[int]]:
    """The ids of the entries whose documents are watched, ``size`` at a time."""
    labels, codes, marks = list(watched()), list(watched_texts()), list(watched_marks())
    if labels or codes or marks:
        yield from id_batches(alias, _OF_MODELS, size, labels=labels, codes=codes, marks=marks, tenant=tenant)


def look(alias: str, ids: Sequence[Any]) -> tuple[dict[str, int], Failures]:
    """Look for the documents of these entries: how many findings were raised and resolved, and what failed."""
    known, texts, marks, failures = watched(), watched_texts(), watched_marks(), Failures()
    found = Entry.objects.using(alias).filter(pk__in=list(ids)).exclude(kind=Entry.Kind.GAP)
    # Read before the rows, so that a row which is made meanwhile is found.
    entries = list(found.values_list("pk", "tenant", "document", "number", "series__code", f"metadata__{MARK}"))
    living = set(valid(found).values_list("pk", flat=True))
    by_model: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    by_fields: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for pk, tenant, document, number, series, mark in entries:
        named, _, key = document.partition(":")
        if named in known:
            by_model[named].append((pk, tenant, key))
        elif mark in marks:
            by_fields[mark].append((pk, tenant, number))
        elif series in texts:
            by_fields[series].append((pk, tenant, number))
    counts = {"raised": 0, "resolved": 0}
    for named, rows in by_model.items():
        with failures.noted(named, alias, _log):
            gone = _gone(known[named], {key for pk, _, key in rows if pk in living}, alias)
            _note(alias, named, rows, {pk for pk, _, key in rows if key in gone and pk in living}, counts)
    for named, rows in by_fields.items():
        with failures.noted(named if named in marks else f"series {named}", alias, _log):
            fields = marks.get(named) or texts[named]
            borne = _found_in(fields, {number for pk, _, number in rows if pk in living}, alias)
            lost = {pk for pk, tenant, number in rows if (tenant, number) not in borne and pk in living}
            _note(alias, label(fields[0].model), rows, lost, counts)
    return counts, failures


def _note(
    alias: str, system: str, rows: Sequence[tuple[int, str, str]], missing: Collection[int], counts: dict[str, int]
) -> None:
    for tenant in sorted({tenant for _, tenant, _ in rows}):
        looked = [pk for pk, owner, _ in rows if owner == tenant]
        [(raised, resolved)] = fetch(alias, _NOTE, [tenant, system, looked, [pk for pk in looked if pk in missing]])
        counts["raised"] += raised
        counts["resolved"] += resolved


def _home(model: type[models.Model], alias: str) -> str:
    """Where to look for rows: beside the ledger if the model has a table there, else where they are written.

    A replica may not have them yet.
    """
    return alias if router.allow_migrate_model(alias, model) else router.db_for_write(model)


def _found_in(fields: Sequence[Any], numbers: Collection[str], alias: str) -> set[tuple[str, str]]:
    """Those of ``numbers`` that a row has in one of the fields, each with its tenant."""
    found = set()
    for field in fields:
        rows = field.model._base_manager.using(_home(field.model, alias)).select_related()
        for row in rows.filter(**{f"{field.attname}__in": numbers}):
            found.add((field.tenant_of(row), getattr(row, field.attname)))
    return found


def _gone(model: type[models.Model], keys: Collection[str], alias: str) -> set[str]:
    """The keys that could be a primary key of the model, but of which there is no row."""
    wanted: dict[str, Any] = {}
    for key in keys:
        try:
            value = pk_value(model, key)
            wanted[pk_text(model, value)] = value
        except (ValidationError, TypeError, ValueError, ArithmeticError):
            continue  # a text that names no row
    rows = model._base_manager.using(_home(model, alias)).filter(pk__in=list(wanted.values()))
    there = {pk_text(model, pk) for pk in rows.values_list("pk", flat=True)}
    return set(wanted) - there
