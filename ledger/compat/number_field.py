"""A field for a model's number, issued at the first save in the same transaction::

    class Invoice(models.Model):
        org = models.ForeignKey(Organization, on_delete=models.PROTECT)
        number = NumberField(series="invoice", org=lambda self: self.org)

The number comes before the row, so that the column may be NOT NULL and ``post_save`` knows it. What it is given to must
have a key by then: a primary key that the database would count out is drawn from its sequence just before the INSERT.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from django.core import checks
from django.db import connections, models, router, transaction

from ledger.errors import DocumentConflict, InvalidArgument, InvalidDocument, InvalidSeries, NumberProtected
from ledger.instances import instance_key, is_known
from ledger.issuing import issue, issue_many, issue_or_replace
from ledger.keys import document_key, tenant_key
from ledger.missing_documents import MARK
from ledger.models import Entry
from ledger.models.series import NUMBER_LENGTH
from ledger.replacing import valid

if TYPE_CHECKING:
    from django import forms

    _CharField = models.CharField[Any, Any]
else:
    _CharField = models.CharField

M = TypeVar("M", bound=models.Model)

#: What becomes of the number when Django deletes its row: the row stays as long as its number isn't void; or the number
#: stays alone.
PROTECT = models.PROTECT
KEEP = models.DO_NOTHING

#: Rows whose numbers are looked up at a time.
_BATCH = 500

_WRAPPED = "_ledger_numbers_on_save"
_SAVING = "_ledger_saving"
_OURS = "_ledger_numbers"


@dataclass
class _Saving:
    """What one call that saves an instance has come to: its database, and the numbers given, by column."""

    alias: str
    numbers: dict[str, str] = field(default_factory=dict)


class NumberField(_CharField):
    """A text column with the number of ``series`` that the ledger gives the row when it is inserted.

    ``series`` is the code, ``org``, ``on``, ``metadata`` and ``by`` are as for ``issue``; each may be a function of the
    instance. ``document`` is the key that the number is given to: by default that of the instance,
    ``"shop.invoice:17"``. Numbers are unique for each tenant, so the column is ``unique`` unless ``org`` is a function;
    then the model needs a UniqueConstraint of its own, which a check asks for.

    ``on_delete`` is PROTECT or KEEP. With PROTECT, the default, Django deletes no row whose number isn't void, be it by
    itself, in a query set, by a cascade, or in the admin: it raises NumberProtected. With KEEP rows can be deleted, and
    their numbers stay. The sweep ``missing_documents`` finds what was deleted, also by SQL that Django doesn't see.

    A copy of the field on another model, such as that of django-simple-history, is a plain text column.

    An UPDATE leaves the column as it is, whatever the attribute says. The field isn't editable; with ``editable=True``
    forms show it, disabled. Migrations know it as the CharField that it is in the database.

    Saving raises what ``issue`` raises; InvalidArgument for a number that the ledger has not given, and for
    ``bulk_create``, whose place ``create_many`` takes; InvalidSeries for a number that is longer than the column.
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
                rule="A number stays in the ledger whatever becomes of its row.",
                remedy="Leave it out, so that rows with valid numbers can't be deleted, or pass on_delete=KEEP.",
            )
        self.on_delete = on_delete
        self.series, self.org, self.document, self.on, self.metadata, self.by = series, org, document, on, metadata, by
        defaults = {"max_length": NUMBER_LENGTH, "unique": not callable(org), "editable": False, "blank": True}
        # The model that defines it: the first one that gets the field.
        self.declared_on: type[models.Model] | None = None
        super().__init__(*args, **{**defaults, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """A plain CharField: what gives the numbers is no part of the schema, and migrations can't hold functions."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def clone(self) -> "NumberField":
        """Unlike what migrations keep, a copy with all arguments. As any copy, it numbers the same model alone."""
        _, _, args, kwargs = self.deconstruct()
        names = ("series", "org", "document", "on", "metadata", "by", "on_delete", "unique", "editable", "blank")
        copy = type(self)(*args, **{name: getattr(self, name) for name in names} | kwargs)
        copy.declared_on = self.declared_on
        return copy

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Let the model's saves open a transaction, and draw the primary key before the INSERT.

        A copy of the field on another model (the history or audit table that a package makes of this one, a model of a
        migration) is a plain text column there: its rows are no documents, and many of them bear one number. Children
        of an abstract model get copies too, and those do number.
        """
        self.declared_on = self.declared_on or cls
        if not issubclass(cls, self.declared_on):
            self.__class__ = models.CharField  # type: ignore[assignment]
            self._unique = False
            self.__dict__.pop("unique", None)  # a cached property, which the copy brought along
            self.contribute_to_class(cls, name, private_only)
            return
        super().contribute_to_class(cls, name, private_only)
        if cls._meta.abstract:
            return
        if self.on_delete is PROTECT:
            _Protector(name).contribute_to_class(cls)
        if not getattr(cls, _WRAPPED, False):
            _number_on_save(cls)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Besides a CharField's checks: that something keeps two rows of one tenant from having one number."""
        found = super().check(**kwargs)
        if not self.unique and not any(self.name in each for each in _unique_together(self.model)):
            message = f"Nothing keeps two rows of one org from bearing the same {self.name}."
            hint = f"Add UniqueConstraint(fields=[<the org's field>, {self.name!r}], name=…) to its Meta.constraints."
            found.append(checks.Warning(message, hint=hint, obj=self, id="ledger.W020"))
        return found

    def formfield(self, **kwargs: Any) -> "forms.Field | None":
        """Where it is shown at all (``editable=True``), it can't be typed into, and what is sent is not read."""
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
        """What numbers keep in their metadata, where neither their series nor their documents tell whose they are."""
        return str(self) if self.document is not None and callable(self.series) else None

    def tenant_of(self, instance: models.Model) -> str:
        """Whose its number is."""
        return tenant_key(self.org(instance) if callable(self.org) else self.org)

    def facts(self, instance: models.Model) -> dict[str, Any]:
        """The arguments of ``issue`` for this instance, but for its document."""
        chosen = {"series": self.series, "org": self.org, "on": self.on, "metadata": self.metadata, "by": self.by}
        facts = {name: value(instance) if callable(value) else value for name, value in chosen.items()}
        if self.mark and (facts["metadata"] is None or isinstance(facts["metadata"], Mapping)):
            facts["metadata"] = {**(facts["metadata"] or {}), MARK: self.mark}
        return facts

    def place_of(self, instance: models.Model) -> tuple[str, str, str]:
        """Where its number stands: the tenant, the code of the series, and the document."""
        series = self.series(instance) if callable(self.series) else self.series
        return self.tenant_of(instance), series, self.document_of(instance)

    def document_of(self, instance: models.Model) -> str:
        """The key of what the number is given to. Raises InvalidDocument if it has no key."""
        if self.document is not None:
            key = document_key(self.document(instance))
        else:
            # As the model that has the field: a child's row isn't there yet when its parent's row is numbered.
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
                f"{instance._meta.label} {document!r} bears {given!r}, but was given {numbers[0]!r}.",
                rule="One document has one number of a series.",
                remedy=f"Save it with {self.name}=None.",
            )
        if not numbers:
            raise InvalidArgument(
                f"{instance._meta.label} {document!r} bears {given!r}, which the ledger has not given to it.",
                rule="The ledger gives the numbers; one that it doesn't know could be given again.",
                remedy=f"Leave {self.name} empty; numbers of a previous system come in by manage.py ledger_adopt, with "
                "this document.",
            )


class _Protector:
    """Keeps rows with valid numbers from being deleted. It is one of a model's private fields, like a GenericRelation.

    Whatever deletes rows by Django asks those fields which other rows go with them, before it deletes any.
    """

    is_relation = one_to_many = hidden = True
    many_to_one = one_to_one = many_to_many = auto_created = concrete = editable = False
    remote_field = related_model = column = None
    model: type[models.Model]

    def __init__(self, number: str) -> None:
        self.number, self.name = number, f"{number}_protector"

    def contribute_to_class(self, cls: type[models.Model], name: str = "") -> None:
        """Django does this with the copies for children and proxies."""
        self.model = cls
        cls._meta.add_field(self, private=True)  # type: ignore[arg-type]

    def is_cached(self, instance: models.Model) -> bool:
        """There is nothing to cache."""
        return False

    def bulk_related_objects(self, objs: Sequence[models.Model], using: str) -> list[models.Model]:
        """Nothing goes with these rows. Raises NumberProtected where one of them has a number that isn't void."""
        number: Any = self.model._meta.get_field(self.number)
        for start in range(0, len(objs), _BATCH):
            keys = [row.pk for row in objs[start : start + _BATCH]]
            # Read anew: of what goes by a cascade, Django has read no more than the keys.
            rows = self.model._base_manager.using(using).filter(pk__in=keys, **{f"{self.number}__gt": ""})
            kept = _valid_numbers(number, list(rows), using)
            if kept:
                raise _Protected.of(number, kept)
        return []


class _Protected(NumberProtected, models.RestrictedError):
    """RestrictedError, since a cascade puts its own error in the place of a ProtectedError. The admin knows both."""

    def __init__(self, problem: str, *, rule: str, remedy: str, rows: Iterable[models.Model] = ()) -> None:
        self.problem, self.rule, self.remedy = problem, rule, remedy
        models.RestrictedError.__init__(self, problem, set(rows))
        self.args = (f"{problem} {rule} {remedy}",)

    @classmethod
    def of(cls, number: NumberField, kept: Mapping[str, models.Model]) -> "_Protected":
        """The error for these rows, by their numbers."""
        named = ", ".join(list(kept)[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
        return cls(
            f"Rows of {number.model._meta.label} can't be deleted: their numbers aren't void: {named}.",
            rule="A number that isn't void says that there is a document which bears it.",
            remedy="Void the numbers first: void(number, reason=…). Or let rows be deleted and numbers stay: "
            f"{number.name} = NumberField(…, on_delete=KEEP).",
            rows=kept.values(),
        )


def _valid_numbers(number: NumberField, rows: Iterable[models.Model], alias: str) -> dict[str, models.Model]:
    """Those of the rows whose documents have numbers that aren't void, by these numbers."""
    places = {number.place_of(row): row for row in rows}
    kept: dict[str, models.Model] = {}
    for (tenant, series), group in groupby(sorted(places), lambda place: place[:2]):
        documents = [document for _, _, document in group]
        known = Entry.objects.using(alias).filter(tenant=tenant, series__code=series, document__in=documents)
        for text, document in valid(known).order_by("value").values_list("number", "document"):
            kept[text] = places[tenant, series, document]
    return kept


def renumber(instance: models.Model, field: str = "number", *, using: str | None = None) -> str:
    """Give a saved row whose number is void another one, linked to it; store it in its column, and return it.

    A row whose number was replaced already gets that one. One whose number isn't void keeps it. Raises what ``issue``
    raises.
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

    Neighbours with the same series, org, date, metadata and actor share one block. As with ``bulk_create``, no signals
    are sent. Raises what saving raises, and then nothing is inserted.
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
    before = [row.__dict__.get(_SAVING) for row in rows]
    with transaction.atomic(using=alias):
        unkeyed = [row for row in rows if _need_keys(model) and not row._is_pk_set()]  # type: ignore[attr-defined]
        for row, pk in zip(unkeyed, _draw_keys(model, alias, len(unkeyed)), strict=False):
            row.pk = pk
        for each in number_fields(model):
            _give_blocks(each, rows, savings, alias)
        try:
            for row, saving in zip(rows, savings, strict=True):
                row.__dict__[_SAVING] = saving
            return model._base_manager.using(alias).bulk_create(rows, batch_size=batch_size)
        finally:
            for row, earlier in zip(rows, before, strict=True):
                _restore(row, earlier)


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
        given = (
            dict(zip(("raw", "force_insert", "force_update", "using", "update_fields"), args, strict=False)) | kwargs
        )
        if given.get("raw"):  # a fixture: it is stored as it is
            save_base(self, **given)
            return
        alias = given.get("using") or router.db_for_write(type(self), instance=self)
        before = self.__dict__.get(_SAVING)
        # No savepoint: as ever, a save that fails inside a transaction takes that along.
        with transaction.atomic(using=alias, savepoint=False):
            self.__dict__[_SAVING] = _Saving(alias)
            try:
                save_base(self, **given | {"using": alias})
            finally:
                _restore(self, before)

    @wraps(save_table)
    def numbered_save_table(self: models.Model, *args: Any, **kwargs: Any) -> bool:
        names = ("raw", "cls", "force_insert", "force_update", "using", "update_fields")
        given = dict(zip(names, args, strict=False)) | kwargs
        table = given["cls"]
        meta, stands = table._meta, any(given.get(name) for name in ("raw", "force_update", "update_fields"))
        drawn: list[int] = []
        if not stands and not self._is_pk_set(meta) and _need_keys(type(self)):  # type: ignore[attr-defined]
            drawn = _draw_keys(table, given["using"], 1)
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


def _draw_keys(model: type[models.Model], alias: str, count: int) -> list[int]:
    """So many primary keys from the sequence of the model's table, where its numbers need them; else none."""
    if not count or not isinstance(model._meta.pk, models.AutoField):
        return []
    connection = connections[alias]
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [table, model._meta.pk.column, count],
        )
        drawn = [row[0] for row in cursor.fetchall()]
    if None in drawn:
        raise InvalidDocument(
            f"The table {model._meta.db_table!r} has no sequence of its own for {model._meta.pk.column!r}.",
            rule="A number is given to a document whose key is known, and this key would be known only afterwards.",
            remedy="Give the instance its primary key before it is saved.",
        )
    return drawn


def _restore(instance: models.Model, saving: _Saving | None) -> None:
    if saving is None:
        instance.__dict__.pop(_SAVING, None)
    else:
        instance.__dict__[_SAVING] = saving


def _unique_together(model: type[models.Model]) -> list[Sequence[str]]:
    """The fields of each uniqueness rule of the model that holds for all of its rows."""
    constraints = [each for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    return [*(each.fields for each in constraints if each.condition is None), *model._meta.unique_together]
