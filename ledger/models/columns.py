"""Columns that Django doesn't have, and the ones that every event has; and how models are translated."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.postgres import fields
from django.core.checks import CheckMessage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy

from ledger.keys import KEY_LENGTH
from ledger.models.readable import FactsField, MomentField

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class ShortTextField(_CharField):
    """A short text of ``max_length`` characters at most, in a column of the type ``text``.

    Operators for ``varchar`` have no exact match in ``pg_catalog``, so one that somebody made in a schema of the search
    path would win; those for ``text`` have. Functions and triggers check the length.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """The type of the column."""
        return "text"

    def cast_db_type(self, connection: BaseDatabaseWrapper) -> str:
        """The type in casts."""
        return "text"


class ArrayField(fields.ArrayField):  # type: ignore[type-arg]
    """Django's own, without the check of Django 6.1 that projects list ``django.contrib.postgres``.

    An array needs nothing that this app registers, and Folio promises to need one line in INSTALLED_APPS.
    """

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """All but that one check."""
        return [message for message in super().check(**kwargs) if message.id != "postgres.E005"]

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """In migrations it is Django's own field."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.contrib.postgres.fields.ArrayField", args, kwargs


class ClockTimestamp(models.Func):
    """The database's clock at this row, unlike ``now()``, which stays the same for a whole transaction."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


class TransactionId(models.Func):
    """The id of the writing transaction, 64 bits wide, so that it never wraps around."""

    function = "pg_current_xact_id"
    output_field = models.TextField()


class SessionUser(models.Func):
    """The role that the connection logged in as, whatever it has become since."""

    template = "SESSION_USER"
    output_field = models.TextField()


class CurrentRole(models.Func):
    """The role that the session has become by SET ROLE, or "none"."""

    template = "current_setting('role')"
    output_field = models.TextField()


def written_at() -> "models.DateTimeField[Any, Any]":
    """A column with the database's clock."""
    return MomentField(db_default=ClockTimestamp(), editable=False)


def key(**options: Any) -> ShortTextField:
    """A column with a key: of a tenant, a document, an actor."""
    return ShortTextField(max_length=KEY_LENGTH, **options)


def unchecked_key(to: type[models.Model]) -> "models.ForeignKey[Any, Any]":
    """A foreign key for Django alone: a check by the database would lock the other row, such as a counter's."""
    return models.ForeignKey(to, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")


def facts(**options: Any) -> "models.JSONField[Any, Any]":
    """A column with a JSON object."""
    return FactsField(encoder=DjangoJSONEncoder, **options)


def _written_by_transaction() -> "models.BigIntegerField[Any, Any]":
    transaction_id = Cast(Cast(TransactionId(), models.TextField()), models.BigIntegerField())
    return models.BigIntegerField(db_default=transaction_id, editable=False)


class Event(models.Model):
    """A row that is inserted once and never changes. The database itself writes what it alone knows.

    ``era`` counts the servers on which the ledger has lived, since transaction ids start again on another one.
    ``transaction_id`` shows what was written together. ``db_login`` is the role that the connection logged in as,
    ``db_role`` the role that it had become by SET ROLE, or "none"; the application names people in ``actor``.
    """

    #: Whether the same call was made before: then this is the first call's row, and nothing was written.
    repeated = False

    tenant = key(blank=True)
    era = models.IntegerField(db_default=1, editable=False)
    transaction_id = _written_by_transaction()
    db_login = models.TextField(db_default=Cast(SessionUser(), models.TextField()), editable=False)
    db_role = models.TextField(db_default=CurrentRole(), editable=False)

    class Meta:
        abstract = True
        default_permissions = ("view",)


class HiddenModel(models.Model):
    """A row without permissions of its own: no page or admin shows it."""

    class Meta:
        abstract = True
        default_permissions = ()


class EventOfAny(Event):
    """An event of a tenant, or of the whole database: then ``tenant`` is null, since an empty text is a tenant."""

    tenant = models.TextField(null=True, blank=True)  # type: ignore[assignment]  # noqa: DJ001

    class Meta(Event.Meta):
        abstract = True


def speak(model: type[models.Model]) -> None:
    """Show a model's names, help texts and choices in the reader's language; ``tests.messages`` reads them here.

    They are not marked one by one, since Django makes most of them from the names of the columns. Migrations don't
    repeat them: a better word changes no table.
    """
    options: Any = model._meta
    options.original_attrs.pop("verbose_name_plural", None)
    options.verbose_name = gettext_lazy(str(options.verbose_name))
    options.verbose_name_plural = gettext_lazy(str(options.verbose_name_plural))
    for column in options.local_fields:
        column.verbose_name = gettext_lazy(str(column.verbose_name))
        column.help_text = column.help_text and gettext_lazy(str(column.help_text))
        if column.choices:
            column.choices = [(value, gettext_lazy(str(label))) for value, label in column.choices]
        column.deconstruct = partial(_without_words, column.deconstruct)


def _without_words(deconstruct: Callable[[], Any]) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
    name, path, args, kwargs = deconstruct()
    return name, path, args, {key: kwargs[key] for key in kwargs if key not in ("choices", "help_text", "verbose_name")}


#: The text of a series' template up to the first token that differs from number to number.
TEMPLATE_HEAD = models.Func(
    models.Func(
        models.Func("template", models.Value("{series}"), "code", function="replace"),
        models.Value("{tenant}"),
        "tenant",
        function="replace",
    ),
    models.Value("^[^{}]*"),
    function="substring",
)
