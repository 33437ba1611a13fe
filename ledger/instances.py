"""The key of a row: ``app.model:pk``, which depends on the row alone, however it was loaded or made.

The model is the topmost one that has a table: a web sale is a sale, loaded as ``WebSale`` or as ``Sale``. The primary
key is what the database keeps, as text: it goes through the field's ``to_python`` first.

    shop.sale:17                                            also of a WebSale, a proxy of it, a deferred instance
    shop.order:550e8400-e29b-41d4-a716-446655440000         also from "550E8400-E29B-…", fresh from JSON
    shop.price:9.50                                         decimals with the places that the column has
    shop.visit:2026-03-01 09:30:00+00:00                    datetimes in UTC
    shop.line:17,EUR                                        a composite key: its parts, and "\\," for a comma in one
"""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import CompositePrimaryKey, Field, ForeignKey, Model

from ledger.errors import InvalidArgument
from ledger.texts import KEY_RULE, flaw, shown
from ledger.timestamps import aware

# The separator of a composite key's parts, and the escape for both characters within a part.
_COMMA, _ESCAPE = ",", "\\"

# More digits than any column of PostgreSQL has, so that quantizing never fails.
_DIGITS = Context(prec=200_000)


class _NoValue(Exception):
    """The primary key of an instance is no value that its field takes."""


def instance_key(
    instance: Model, error: type[InvalidArgument], argument: str, *, model: type[Model] | None = None
) -> str:
    """The key of the row of ``instance``, which errors call ``argument``.

    ``model`` is a parent to take it as, by default its own model. Raises ``error`` for an instance without a primary
    key, or with one that its field doesn't take; for one that is a row of two models; and if the key would break the
    rule of ``ledger.texts``.
    """
    meta = (model or instance)._meta  # of the instance, not of its type: request.user is a lazy object
    root = _only(meta.model, error, argument)
    own = root._meta.pk.attname
    if lookup(meta.model) != "pk" and own in instance.get_deferred_fields():
        instance.refresh_from_db(fields=[own])  # Django would answer with the child's own primary key
    if not (is_known(instance._get_pk_val(meta)) and is_known(value := _value(instance, meta))):
        raise error(
            f"{argument} is a {meta.label} that is not saved.",
            rule="Its key is made of the primary key, so it must have one, with all its parts.",
            remedy=f"Save it first, in the same transaction: {argument}.save(); issue(…, {argument}={argument}).",
        )
    return _key(root, value, meta.label, error, argument)


def key_by_label(named: str, pk: Any, error: type[InvalidArgument], argument: str, *, using: str | None = None) -> str:
    """The key of the row that a content type names: ``app.model`` and the row's own primary key.

    A model that isn't installed any more keeps its name. Raises ``error`` as ``instance_key`` does.
    """
    try:
        model: Any = apps.get_model(named)
    except LookupError:
        return f"{named}:{pk}"
    root = _only(model, error, argument)
    if lookup(model) == "pk":
        return _key(root, pk, model._meta.label, error, argument)
    # A child with its own primary key: only its row knows the parent's.
    found = model._base_manager.using(using).filter(pk=pk).first()
    return f"{named}:{pk}" if found is None else instance_key(found, error, argument)


def find_row(model: type[Model], key: str) -> Model | None:
    """The row of ``model`` that has this key, if there is one."""
    named, _, text = key.partition(":")
    if named != label(model):
        return None
    try:
        value = pk_value(topmost(model)[0], text)
    except (ValidationError, ValueError):
        return None
    return model._default_manager.filter(**{lookup(model): value}).first()


@cache
def topmost(model: type[Model]) -> tuple[type[Model], ...]:
    """The topmost models with a table that a row of ``model`` is a row of: nearly always one."""
    return tuple(dict.fromkeys(_topmost(model)))


def label(model: type[Model]) -> str:
    """The beginning of the keys of the model's rows: ``shop.sale`` for ``WebSale``; the first of several parents."""
    return topmost(model)[0]._meta.label_lower


@cache
def lookup(model: Any) -> str:
    """The field of ``model`` with the primary key of its topmost parent: ``pk``, or a link to the parent."""
    meta: Any = model._meta.concrete_model._meta
    link = next((link for link in meta.parents.values() if link is not None), None)
    if link is None:
        return "pk"
    above = lookup(link.remote_field.model)
    return "pk" if link.primary_key and above == "pk" else f"{link.name}__{above}"


def pk_text(model: type[Model], value: Any) -> str:
    """The primary key ``value`` of ``model`` as text in a key. Raises if the field doesn't take it."""
    pk = model._meta.pk
    if not isinstance(pk, CompositePrimaryKey):
        return _text(pk, value)
    parts = [_text(field, part) for field, part in zip(pk.fields, value, strict=True)]
    return _COMMA.join(re.sub(r"([\\,])", r"\\\1", part) for part in parts)


def pk_value(model: type[Model], text: str) -> Any:
    """The primary key for the ``text`` in a key: the inverse of ``pk_text``."""
    pk: Any = model._meta.pk
    if not isinstance(pk, CompositePrimaryKey):
        return column(pk).to_python(text)
    parts = re.findall(r"(?:^|,)((?:[^\\,]|\\.)*)", text)
    return tuple(
        column(field).to_python(re.sub(r"\\(.)", r"\1", part)) for field, part in zip(pk.fields, parts, strict=True)
    )


def is_known(pk: Any) -> bool:
    """Whether it is a primary key with all its parts. One that INSERT will compute (``db_default``) isn't yet."""
    if isinstance(pk, tuple):
        return all(is_known(part) for part in pk)
    return pk is not None and not hasattr(pk, "resolve_expression")


def column(field: Any) -> "Field[Any, Any]":
    """The field whose values a column has: for a foreign key, the field that it refers to."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    found: Field[Any, Any] = field
    return found


def _only(model: type[Model], error: type[InvalidArgument], argument: str) -> type[Model]:
    """The one topmost model of the rows of ``model``. Raises ``error`` if there are two."""
    roots = topmost(model)
    if len(roots) == 1:
        return roots[0]
    name = model._meta.label
    raise error(
        f"{argument} is a {name}, which is a row of {' and '.join(root._meta.label for root in roots)} at once.",
        rule="A key names one row, however it was loaded, so an instance with two parents has no key.",
        remedy=f"Pass the parent that is meant, or a text of its own: {argument}='{name.lower()}:…'.",
    )


def _key(root: type[Model], value: Any, name: str, error: type[InvalidArgument], argument: str) -> str:
    """The key of a row of ``root``; ``name`` is the caller's name of its model."""
    try:
        text = pk_text(root, value)
    except _NoValue as reason:
        raise error(
            f"{argument} is a {name} whose primary key {reason}.",
            rule="Its key is made of the primary key as the database keeps it.",
            remedy=f"Give it a primary key that its field takes, or pass a text of its own: {argument}='…'.",
        ) from reason.__cause__
    key = f"{root._meta.label_lower}:{text}"
    if found := flaw(key):
        raise error(
            f"The key of {argument}, {key[:60]!a}, {found.problem}.",
            rule=KEY_RULE,
            remedy=f"Correct the primary key of that {name}, or pass a short stable text of its own: {argument}='…'.",
        )
    return key


def _topmost(model: type[Model]) -> Iterator[type[Model]]:
    concrete: Any = model._meta.concrete_model
    parents = [parent for parent, link in concrete._meta.parents.items() if link is not None]
    if not parents:
        yield concrete
    for parent in parents:
        yield from _topmost(parent)


def _value(instance: Model, meta: Any) -> Any:
    """The primary key of the topmost parent: its own, or that of the link to it before the first save."""
    for parent, link in meta.concrete_model._meta.parents.items():
        if link is not None:
            above = _value(instance, parent._meta)
            return getattr(instance, link.attname) if above is None and lookup(parent) == "pk" else above
    return instance._get_pk_val(meta)


def _text(field: Any, value: Any) -> str:
    """One column's value as text, equal for all values that the database would store alike."""
    own = column(field)
    try:
        text = _plain(own, own.to_python(value))
    except (ValidationError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise _NoValue(f"{shown(value, 60)} doesn't fit {type(own).__name__}") from error
    if not text and field.primary_key:
        raise _NoValue("is an empty text")
    return text


def _plain(field: Any, value: Any) -> str:
    if value is None:
        raise ValueError("None is no key")
    if isinstance(value, str):
        return str.__str__(value)  # of a member of TextChoices, its value
    if isinstance(value, datetime):
        return str(aware(value).astimezone(UTC))  # as Django stores it
    if isinstance(value, Decimal):
        return _decimal(value, field.decimal_places)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    return str(value)


def _decimal(value: Decimal, places: int | None) -> str:
    """As PostgreSQL rounds it for the column: half away from zero."""
    if places is None:
        kept = value.normalize(_DIGITS)
    else:
        kept = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _DIGITS)
    return f"{kept or abs(kept):f}"
