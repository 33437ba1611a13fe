"""What many tables have in common, so that the migrations name it instead of repeating it."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models
from django.db.models.functions import Cast

from ledger.models.columns import ClockTimestamp, CurrentRole, SessionUser, ShortTextField, TransactionId


def text(max_length: int = 200, **options: Any) -> ShortTextField:
    """A short text."""
    return ShortTextField(max_length=max_length, **options)


def facts(**options: Any) -> models.JSONField[Any, Any]:
    """A JSON object."""
    return models.JSONField(encoder=DjangoJSONEncoder, **options)


def written_at() -> models.DateTimeField[Any, Any]:
    """When the row was written, by the database's clock."""
    return models.DateTimeField(db_default=ClockTimestamp(), editable=False)


def flag(**options: Any) -> models.BooleanField[Any, Any]:
    """False until something makes it true."""
    return models.BooleanField(db_default=False, default=False, **options)


def together(*columns: str) -> models.CompositePrimaryKey:
    """A primary key of several columns."""
    return models.CompositePrimaryKey(*columns, blank=True, editable=False, primary_key=True, serialize=False)


def kept(model: str, **options: Any) -> models.ForeignKey[Any, Any]:
    """A foreign key to a row that can't be deleted."""
    return models.ForeignKey(model, on_delete=models.PROTECT, **options)


def id_of(model: str, *, related_name: str | None = "+", **options: Any) -> models.ForeignKey[Any, Any]:
    """The id of a row, without a constraint: functions and guards see to it."""
    return models.ForeignKey(
        model, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name=related_name, **options
    )


def constrained(model: str, *constraints: models.BaseConstraint) -> list[migrations.AddConstraint]:
    """The constraints of one table."""
    return [migrations.AddConstraint(model, constraint) for constraint in constraints]


ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
TENANT = ("tenant", text(blank=True))
ACTOR = ("actor", text(blank=True, default=""))
#: What the database alone knows of an event's row, and writes itself.
WRITTEN_BY_THE_DATABASE = (
    ("era", models.IntegerField(db_default=1, editable=False)),
    (
        "transaction_id",
        models.BigIntegerField(
            db_default=Cast(Cast(TransactionId(), models.TextField()), models.BigIntegerField()), editable=False
        ),
    ),
    ("db_login", models.TextField(db_default=Cast(SessionUser(), models.TextField()), editable=False)),
    ("db_role", models.TextField(db_default=CurrentRole(), editable=False)),
)
