"""What many tables have in common, so that the migrations name it instead of repeating it."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models
from django.db.models.functions import Cast

from ledger.models.columns import ClockTimestamp, CurrentRole, SessionUser, ShortTextField, TransactionId


def text(max_length: int = 200, **options: Any) -> ShortTextField:
    """A short text."""
    return ShortTextField(max_length=max_length, **options)


def facts(**options: Any) -> "models.JSONField[Any, Any]":
    """A JSON object."""
    return models.JSONField(encoder=DjangoJSONEncoder, **options)


def written_at() -> "models.DateTimeField[Any, Any]":
    """When the row was written, by the database's clock."""
    return models.DateTimeField(db_default=ClockTimestamp(), editable=False)


def flag(**options: Any) -> "models.BooleanField[Any, Any]":
    """False until something makes it true."""
    return models.BooleanField(db_default=False, default=False, **options)


def together(*columns: str) -> models.CompositePrimaryKey:
    """A primary key of several columns."""
    return models.CompositePrimaryKey(*columns, blank=True, editable=False, primary_key=True, serialize=False)


def kept(model: str, **options: Any) -> "models.ForeignKey[Any, Any]":
    """A foreign key to a row that can't be deleted."""
    return models.ForeignKey(model, on_delete=models.PROTECT, **options)


def id_of(model: str, *, related_name: str | None = "+", **options: Any) -> "models.ForeignKey[Any, Any]":
    """The id of a row, without a constraint: functions and guards see to it."""
    return models.ForeignKey(
        model, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name=related_name, **options
    )


def table(model: str, /, **parts: Any) -> migrations.CreateModel:
    """A table: what is a field is a column, in that order after an id, and the rest are options of ``Meta``.

    By default people may look at it; ``default_permissions=None`` stands for Django's own.
    """
    columns = {name: part for name, part in parts.items() if isinstance(part, models.Field)}
    options = {"default_permissions": ("view",)} | {name: parts[name] for name in parts if name not in columns}
    if "pk" not in columns and not any(column.primary_key for column in columns.values()):
        columns = {"id": models.BigAutoField(auto_created=True, primary_key=True, serialize=False)} | columns
    return migrations.CreateModel(
        model, list(columns.items()), {name: option for name, option in options.items() if option is not None}
    )


def event(model: str, /, **parts: Any) -> migrations.CreateModel:
    """The table of an event, with its tenant, and what the database alone knows of its row, and writes itself."""
    transaction_id = Cast(Cast(TransactionId(), models.TextField()), models.BigIntegerField())
    tenant = {"tenant": parts.pop("tenant", text(blank=True))}
    written = {
        "era": models.IntegerField(db_default=1, editable=False),
        "transaction_id": models.BigIntegerField(db_default=transaction_id, editable=False),
        "db_login": models.TextField(db_default=Cast(SessionUser(), models.TextField()), editable=False),
        "db_role": models.TextField(db_default=CurrentRole(), editable=False),
    }
    return table(model, **tenant, **written, **parts)


def of_kind(model: str) -> migrations.CreateModel:
    """The entries of one kind."""
    options = {"proxy": True, "default_permissions": ("view",), "indexes": [], "constraints": []}
    return migrations.CreateModel(model, [], options, bases=("ledger.entry",))


def of_tenant(model: str) -> list[models.Index]:
    """The index of a table by tenant."""
    return [models.Index(fields=["tenant"], name=f"ledger_{model}_of")]
