"""A model field for a number, which is issued at the first save in the same transaction::

    class Invoice(models.Model):
        org = models.ForeignKey(Organization, on_delete=models.PROTECT)
        number = NumberField(series="invoice", org=lambda self: self.org)

The number is issued before the row is inserted, so that the column may be NOT NULL and ``post_save`` knows it. Its
document must have a key by then, so an automatic primary key is drawn from its sequence just before the INSERT.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from django.core import checks
from django.db import models, router, transaction

from ledger.compat.drawn_keys import draw_keys
from ledger.compat.protected_rows import Protector
from ledger.errors import DocumentConflict, InvalidArgument, InvalidDocument, InvalidSeries
from ledger.instances import instance_key, is_known
from ledger.issuing import issue, issue_many, issue_or_replace
from ledger.keys import document_key, tenant_key
from ledger.missing_documents import MARK
from ledger.models import Entry
from ledger.models.series import NUMBER_LENGTH

if TYPE_CHECKING:
    from django import forms

    _CharField = models.CharField[Any, Any]
else:
    _CharField = models.CharField

M = TypeVar("M", bound=models.Model)

#: What happens when Django deletes a row: PROTECT keeps the row as long as its number isn't void; with KEEP, the number
#: stays without its row.
PROTECT = models.PROTECT
KEEP = models.DO_NOTHING

_WRAPPED = "_ledger_numbers_on_save"
_SAVING = "_ledger_saving"
_OURS = "_ledger_numbers"


@dataclass
class _Saving:
    """The state of one call that saves an instance: its database, and the numbers given so far, by column."""

    alias: str
    numbers: dict[str, str] = field(default_factory=dict)


class NumberField(_CharField):
    """A text column with the number of ``series`` that the ledger gives the row when it is inserted.

    ``series`` is the code; ``org``, ``on``, ``metadata`` and ``by`` are as for ``issue``. Each may be a function of the
    instance. ``document`` is the key that the number is given to: by default that of the instance,
    ``"shop.invoice:17"``. Numbers are unique for each tenant, so the column is ``unique`` unless ``org`` is a function;
    then the model needs a UniqueConstraint of its own, which a check asks for.

    ``on_delete`` is PROTECT or KEEP. With PROTECT, the default, Django refuses to delete a row whose number isn't void,
    alone, in a query set, by a cascade or in the admin: it raises NumberProtected. With KEEP rows can be deleted, and
    their numbers stay. The sweep ``missing_documents`` finds deleted rows, even those that SQL deleted.

    A copy of the field on another model, such as that of django-simple-history, is a plain text column.

    An UPDATE leaves the column as it is, whatever the attribute says. The field isn't editable; with ``editable=True``
    forms show it, disabled. Migrations know it as the CharField that it is in the database.

    Saving raises what ``issue`` raises; InvalidArgument for a number that the ledger has not given, and for
    ``bulk_create`` (use ``create_many``); InvalidSeries for a number that is longer than the column.
    """

    def __init__(
        self,
        *args: Any,
        series: str | Callable[[Any], str],
        org: Any = None,
        document: Callable[[Any], Any] | None = None,
        on: Any = None,
        metadata: Mapping[str, Any] | Callable[[Any], Any] | None = None,
        by: Any = None,
        on_delete: Callable[..., Any] = models.PROTECT,
        **kwargs: Any,
    ) -> None:
        if on_delete not in (PROTECT, KEEP):
            raise InvalidArgument(
                f"NumberField(on_delete={getattr(on_delete, '__name__', on_delete)}) is neither PROTECT nor KEEP.",
                rule="A number stays in the ledger, whatever happens to its row.",
                remedy="Leave it out, so that rows with valid numbers can't be deleted, or pass on_delete=KEEP.",
            )
        self.on_delete = on_delete
        self.series, self.org, self.document, self.on, self.metadata, self.by = series, org, document, on, metadata, by
        defaults = {"max_length": NUMBER_LENGTH, "unique": not callable(org), "editable": False, "blank": True}
        # The model that defines it: the first one that gets the field.
        self.declared_on: type[models.Model] | None = None
        super().__init__(*args, **{**defaults, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """A plain CharField: migrations need only the column, and can't hold functions."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def clone(self) -> "NumberField":
        """A copy with all arguments, unlike what migrations keep. As any copy, it numbers only the same model."""
        *_, args, kwargs = self.deconstruct()
        names = ("series", "org", "document", "on", "metadata", "by", "on_delete", "unique", "editable", "blank")
        copy = type(self)(*args, **{name: getattr(self, name) for name in names} | kwargs)
        copy.declared_on = self.declared_on
        return copy

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Let the model's saves open a transaction, and draw the primary key before the INSERT.

        A copy of the field on another model (a history or audit table that a package makes, a model of a migration) is
        a plain text column: its rows are no documents, and many of them have one number. Children of an abstract model
        get copies too, and those do number.
        """
        self.declared_on = self.declared_on or cls
        if not issubclass(cls, self.declared_on):
            self.__class__ = models.CharField  # type: ignore[assignment]
            self._unique = False
            self.__dict__.pop("unique", None)  # a cached property, which was copied too
            self.contribute_to_class(cls, name, private_only)
            return
        super().contribute_to_class(cls, name, private_only)
        if cls._meta.abstract:
            return
        if self.on_delete is PROTECT:
            Protector(name).contribute_to_class(cls)
        if not getattr(cls, _WRAPPED, False):
            _number_on_save(cls)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Besides a CharField's checks: that a constraint keeps two rows of one tenant from having one number."""
        found = super().check(**kwargs)
        # The fields of each uniqueness rule of the model that applies to all of its rows.
        constraints = [each for each in self.model._meta.constraints if isinstance(each, models.UniqueConstraint)]
        rules = [*(each.fields for each in constraints if each.condition is None), *self.model._meta.unique_together]
        if not self.unique and not any(self.name in fields for fields in rules):
            message = f"Nothing keeps two rows of one org from having the same {self.name}."
            hint = f"Add UniqueConstraint(fields=[<the org's field>, {self.name!r}], name=…) to its Meta.constraints."
            found.append(checks.Warning(message, hint=hint, obj=self, id="ledger.W020"))
        return found

    def formfield(self, **kwargs: Any) -> "forms.Field | None":
        """Disabled, so what a browser sends is not read; shown only with ``editable=True``."""
        return super().formfield(**{**kwargs, "disabled": True, "required": False})

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The number for an INSERT; for an UPDATE, what the row has."""
        if not add:
            return models.F(self.attname)
        saving: _Saving | None = model_instance.__dict__.get(_SAVING)
        if saving is None:
            raise InvalidArgument(
                f"{model_instance._meta.label} is inserted by bulk_create, without its {self.name}.",
                rule="A number is given in its row's transaction and on its database, which bulk_create doesn't tell.",
                remedy="Call create_many([…]) of ledger.compat.number_field, or save() each.",
            )
        if self.attname not in saving.numbers:
            self._expect_given(model_instance, saving.alias)
            facts = self.facts(model_instance)
            entry = issue(document=self.document_of(model_instance), using=saving.alias, **facts)
            self.keep(model_instance, saving, str(entry))
        return saving.numbers[self.attname]

    @property
    def is_given_to_its_row(self) -> bool:
        """Whether the row itself is the document, so that a number whose row is gone has lost it."""
        return self.document is None

    @property
    def series_of_texts(self) -> str | None:
        """The series whose numbers go to texts of ``document=``; None where each row may have its own series."""
        return self.series if self.document is not None and isinstance(self.series, str) else None

    @property
    def mark(self) -> str | None:
        """What numbers keep in their metadata, if neither their series nor their documents tell the field."""
        return str(self) if self.document is not None and callable(self.series) else None

    def tenant_of(self, instance: models.Model) -> str:
        """The tenant of its number."""
        return tenant_key(self.org(instance) if callable(self.org) else self.org)

    def facts(self, instance: models.Model) -> dict[str, Any]:
        """The arguments of ``issue`` for this instance, except its document."""
        chosen = {"series": self.series, "org": self.org, "on": self.on, "metadata": self.metadata, "by": self.by}
        facts = {name: value(instance) if callable(value) else value for name, value in chosen.items()}
        if self.mark and (facts["metadata"] is None or isinstance(facts["metadata"], Mapping)):
            facts["metadata"] = {**(facts["metadata"] or {}), MARK: self.mark}
        return facts

    def place_of(self, instance: models.Model) -> tuple[str, str, str]:
        """The tenant, the code of the series, and the document of its number."""
        series = self.series(instance) if callable(self.series) else self.series
        return self.tenant_of(instance), series, self.document_of(instance)

    def document_of(self, instance: models.Model) -> str:
        """The key of what the number is given to. Raises InvalidDocument if it has no key."""
        if self.document is not None:
            key = document_key(self.document(instance))
        else:
            # By the model that has the field: a child's row doesn't exist yet when its parent's row is numbered.
            known = is_known(instance._get_pk_val(self.model._meta))
            key = instance_key(instance, InvalidDocument, "document", model=self.model) if known else ""
        if not key:
            raise InvalidDocument(
                f"{instance._meta.label} has no key yet when its {self.name} is to be given.",
                rule="A number is given to a document, so that a retry gets the same one.",
                remedy="Pass NumberField(document=…), a function of the instance that tells a text such as 'order:17'.",
            )
        return key

    def keep(self, instance: models.Model, saving: _Saving, number: str) -> None:
        """Put the number on the instance. Raises InvalidSeries where the column is too short for it."""
        if self.max_length is not None and len(number) > self.max_length:
            raise InvalidSeries(
                f"The number {number!r} has {len(number)} characters; {self.model._meta.label}.{self.name} holds "
                f"{self.max_length}.",
                rule="A number is stored as it is, never cut.",
                remedy=f"Set max_length={self.max_length} on the series too, or make the column longer.",
            )
        saving.numbers[self.attname] = number
        instance.__dict__[self.attname] = number
        instance.__dict__[_OURS] = {**instance.__dict__.get(_OURS, {}), self.attname: number}

    def _expect_given(self, instance: models.Model, alias: str) -> None:
        """Refuse a number that somebody made up; one that was given to this instance in an earlier try is replaced."""
        given = getattr(instance, self.attname)
        if not given or given == instance.__dict__.get(_OURS, {}).get(self.attname):
            return
        facts, document = self.facts(instance), self.document_of(instance)
        known = Entry.objects.using(alias).filter(
            tenant=tenant_key(facts["org"]), series__code=facts["series"], document=document
        )
        numbers = list(known.values_list("number", flat=True))
        if numbers and given not in numbers:
            raise DocumentConflict(
                f"{instance._meta.label} {document!r} has {given!r}, but was given {numbers[0]!r}.",
                rule="One document has one number of a series.",
                remedy=f"Save it with {self.name}=None.",
            )
        if not numbers:
            raise InvalidArgument(
                f"{instance._meta.label} {document!r} has {given!r}, which the ledger has not given to it.",
                rule="The ledger gives the numbers; one that it doesn't know could be given again.",
                remedy=f"Leave {self.name} empty; numbers of a previous system come in by manage.py ledger_adopt, with "
                "this document.",
            )


def renumber(instance: models.Model, field: str = "number", *, using: str | None = None) -> str:
    """Give a saved row whose number is void another number that replaces it; store and return that.

    A row whose number was replaced before gets the replacement. A row whose number isn't void keeps it. Raises what
    ``issue`` raises.
    """
    number: Any = instance._meta.get_field(field)
    alias = using or instance._state.db or router.db_for_write(type(instance), instance=instance)
    with transaction.atomic(using=alias):
        document = number.document_of(instance)
        saving = _Saving(alias)
        number.keep(instance, saving, str(issue_or_replace(document=document, using=alias, **number.facts(instance))))
        model: type[models.Model] = number.model
        rows = model._base_manager.using(alias).filter(pk=instance._get_pk_val(model._meta))
        rows.update(**saving.numbers)
    return saving.numbers[number.attname]


def create_many(instances: Iterable[M], *, using: str | None = None, batch_size: int | None = None) -> list[M]:
    """Insert new instances of one model with their numbers: ``issue_many``, then ``bulk_create``, in one transaction.

    Adjacent instances with the same series, org, date, metadata and actor share one block. As with ``bulk_create``, no
    signals are sent. Raises what saving raises, and then nothing is inserted.
    """
    rows = list(instances)
    kinds = {type(row) for row in rows}
    if not rows:
        return []
    if len(kinds) > 1:
        raise InvalidArgument(
            f"create_many was given {', '.join(sorted(kind._meta.label for kind in kinds))}.",
            rule="One INSERT is for one model.",
            remedy="Call it once for each model.",
        )
    model = kinds.pop()
    alias = using or router.db_for_write(model, instance=rows[0])
    savings = [_Saving(alias) for _ in rows]
    with transaction.atomic(using=alias), ExitStack() as stack:
        unkeyed = [row for row in rows if _need_keys(model) and not row._is_pk_set()]  # type: ignore[attr-defined]
        for row, pk in zip(unkeyed, draw_keys(model, alias, len(unkeyed)), strict=False):
            row.pk = pk
        for each in number_fields(model):
            _give_blocks(each, rows, savings, alias)
        for row, saving in zip(rows, savings, strict=True):
            stack.enter_context(_noted(row, saving))
        return model._base_manager.using(alias).bulk_create(rows, batch_size=batch_size)


def number_fields(model: type[models.Model]) -> list[NumberField]:
    """The model's fields that the ledger fills in."""
    return [each for each in model._meta.concrete_fields if isinstance(each, NumberField)]


def _give_blocks(each: NumberField, rows: Sequence[models.Model], savings: Sequence[_Saving], alias: str) -> None:
    for row in rows:
        each._expect_given(row, alias)
    for facts, block in groupby(range(len(rows)), lambda at: each.facts(rows[at])):
        places = list(block)
        documents = [each.document_of(rows[at]) for at in places]
        entries = issue_many(documents=documents, using=alias, **facts)
        for at, entry in zip(places, entries, strict=True):
            each.keep(rows[at], savings[at], str(entry))


def _number_on_save(cls: type[models.Model]) -> None:
    """Wrap what Django's save() calls, whatever the model's own save() does around it."""
    save_base, save_table = cls.save_base, cls._save_table  # type: ignore[attr-defined]

    @wraps(save_base)
    def numbered_save_base(self: models.Model, *args: Any, **kwargs: Any) -> None:
        names = ("raw", "force_insert", "force_update", "using", "update_fields")
        given = dict(zip(names, args, strict=False)) | kwargs
        if given.get("raw"):  # a fixture: it is stored as it is
            save_base(self, **given)
            return
        alias = given.get("using") or router.db_for_write(type(self), instance=self)
        # No savepoint: as with any model, a failed save makes its transaction unusable.
        with transaction.atomic(using=alias, savepoint=False), _noted(self, _Saving(alias)):
            save_base(self, **given | {"using": alias})

    @wraps(save_table)
    def numbered_save_table(self: models.Model, *args: Any, **kwargs: Any) -> bool:
        names = ("raw", "cls", "force_insert", "force_update", "using", "update_fields")
        given = dict(zip(names, args, strict=False)) | kwargs
        table = given["cls"]
        meta, exists = table._meta, any(given.get(name) for name in ("raw", "force_update", "update_fields"))
        drawn: list[int] = []
        if not exists and not self._is_pk_set(meta) and _need_keys(type(self)):  # type: ignore[attr-defined]
            drawn = draw_keys(table, given["using"], 1)
        for pk in drawn:
            setattr(self, meta.pk.attname, pk)
        try:
            updated: bool = save_table(self, **given | {"force_insert": given.get("force_insert") or drawn})
        except BaseException:
            if drawn:  # as after any INSERT that failed
                setattr(self, meta.pk.attname, None)
            raise
        return updated

    numbered_save_base.alters_data = True  # type: ignore[attr-defined]
    cls.save_base = numbered_save_base  # type: ignore[method-assign]
    cls._save_table = numbered_save_table  # type: ignore[attr-defined]
    setattr(cls, _WRAPPED, True)


def _need_keys(model: type[models.Model]) -> bool:
    """Whether a number of the model is given to the instance's own key."""
    return any(each.document is None for each in number_fields(model))


@contextmanager
def _noted(instance: models.Model, saving: _Saving) -> Iterator[None]:
    """Note on the instance, as long as the block lasts, that it is being saved."""
    before = instance.__dict__.get(_SAVING)
    instance.__dict__[_SAVING] = saving
    try:
        yield
    finally:
        instance.__dict__[_SAVING] = before
        if before is None:
            del instance.__dict__[_SAVING]
