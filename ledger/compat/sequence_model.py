"""The model ``Sequence`` of django-sequence, as a view of the ledger with the same interface.

Raising ``current_value`` by one gives out that number. If it is raised by more, the values between become gaps.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import MultipleObjectsReturned
from django.db import connections, router, transaction
from django.db.transaction import TransactionManagementError

from ledger.calendars import CalendarKind
from ledger.compat import scopes
from ledger.compat.new_series import made_here
from ledger.compat.scopes import SequenceExists, SequenceLockedError, SequenceNotFoundError
from ledger.compat.sequence_runs import Run, hold
from ledger.database_errors import translate_database_errors
from ledger.errors import InvalidArgument, InvalidTenant
from ledger.homes import are_many, database_for, home_of, homes
from ledger.instances import key_by_label, pk_value
from ledger.issuing import issue
from ledger.keys import tenant_key
from ledger.models import Period, Series
from ledger.number_templates import Token
from ledger.periods import find_period, planned_period
from ledger.series import find_series, save_series


class Sequence:
    """A sequence as django-sequence's model shows it, read from the ledger; only ``current_value`` can be set.

    ``scope``, ``prefix``, ``pad_width``, ``include_year`` are those of its series, ``current_value`` is the last value
    of the current period, 0 before the first. ``org_content_type``, ``org_id`` and ``org`` name its tenant.
    """

    objects: "Sequences"
    DoesNotExist = SequenceNotFoundError
    MultipleObjectsReturned = MultipleObjectsReturned

    def __init__(self, series: Series, alias: str) -> None:
        self._series = series
        self._alias = alias
        self._wanted: int | None = None
        self._period = self._current()

    def __str__(self) -> str:
        return f"{self.scope}: {self.formatted_value}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and other._series == self._series

    def __hash__(self) -> int:
        return hash(self._series)

    @property
    def pk(self) -> int:
        """The primary key of its series."""
        return int(self._series.pk)

    id = pk

    @property
    def scope(self) -> str:
        """The code of its series."""
        return self._series.code

    @property
    def prefix(self) -> str:
        """What each number begins with, up to the year or the counter."""
        parts = takewhile(lambda part: isinstance(part, str), self._series.as_template().before)
        return "".join(map(str, parts))

    @property
    def pad_width(self) -> int:
        """The number of digits to which the counter is padded."""
        return self._series.as_template().width

    @property
    def include_year(self) -> bool:
        """Whether the numbers have the year."""
        return any(isinstance(part, Token) and part.unit == "year" for part in self._series.as_template().before)

    @property
    def current_value(self) -> int:
        """The last value of the current period; 0 before its first. ``save()`` writes another one."""
        if self._wanted is not None:
            return self._wanted
        return 0 if self._period is None else self._period.last_value

    @current_value.setter
    def current_value(self, value: int) -> None:
        self._wanted = value

    @property
    def formatted_value(self) -> str:
        """The number of ``current_value``."""
        if (period := self._period) is None:
            today = scopes.today_of(self._alias, self._series)
            if self._series.calendar == CalendarKind.EXPLICIT:
                year = f"{today.year}-" if self.include_year else ""
                return f"{self.prefix}{year}{self.current_value:0{self.pad_width}}"
            period = planned_period(self._series, today, self._alias)
        return scopes.as_original(self._series, period.number_of(self.current_value, self._alias))

    @property
    def org_content_type(self) -> Any:
        """The ContentType of the organisation; None without one, or where the tenant is a plain text."""
        from django.contrib.contenttypes.models import ContentType

        if (model := self._org_model()) is None:
            return None
        return ContentType.objects.db_manager(self._alias).get_for_model(model)

    @property
    def org_id(self) -> str:
        """The primary key of the organisation as a text; empty without one."""
        if (model := self._org_model()) is None:
            return ""
        return str(pk_value(model, self._series.tenant.partition(":")[2]))

    @property
    def org(self) -> Any:
        """The organisation, or None; a text where the tenant is no model instance."""
        if (model := self._org_model()) is None:
            return self._series.tenant or None
        return model._base_manager.using(self._alias).get(pk=self.org_id)

    def refresh_from_db(self) -> None:
        """Read the sequence again."""
        self._series.refresh_from_db(using=self._alias)
        self._period = self._current()
        self._wanted = None

    def save(self, *, update_fields: Iterable[str] | None = None) -> None:
        """Write ``current_value``: one more gives out that number, and a higher one leaves gaps.

        Raises InvalidArgument for a lower value, and SequenceLockedError if somebody else has counted meanwhile.
        """
        wanted, read = self._wanted, 0 if self._period is None else self._period.last_value
        if wanted is None or wanted == read or (update_fields is not None and "current_value" not in update_fields):
            return
        with scopes.locked_by_others(), translate_database_errors(self.scope), transaction.atomic(using=self._alias):
            if wanted == read + 1:
                if self._period is None:
                    scopes.open_current(self._alias, self._series)
                taken = issue(self.scope, org=self._series.tenant, using=self._alias).value
                if taken != wanted:
                    raise SequenceLockedError(
                        f"The sequence {self.scope!r} stood at {read} when it was read, and stands at {taken - 1} now.",
                        rule="A number is given to one caller.",
                        remedy="Read it with Sequence.objects.select_for_update().get(…), or call next_sequence().",
                    )
            else:
                scopes.skip_to(self._alias, self._series, wanted)
        self.refresh_from_db()

    def _lock(self, *, nowait: bool) -> None:
        """Hold its counter until the transaction ends, and read it again."""
        with scopes.locked_by_others(), translate_database_errors(self.scope):
            period = scopes.open_current(self._alias, self._series)
            hold(self._alias, Run(self._series, period, 1), nowait=nowait)
        self.refresh_from_db()

    def _current(self) -> Period | None:
        return find_period(self._series, scopes.today_of(self._alias, self._series), self._alias)

    def _org_model(self) -> Any:
        from django.apps import apps

        label, _, key = self._series.tenant.partition(":")
        try:
            return apps.get_model(label) if key else None
        except (LookupError, ValueError):
            return None  # a tenant that the merchant named by a text


class SequenceSet:
    """Sequences found by their fields; read from the ledger when they are first needed."""

    def __init__(self, alias: str | None = None) -> None:
        self._alias = alias
        self._fields: dict[str, Any] = {}
        self._order: tuple[str, ...] = ()
        self._locks: dict[str, bool] | None = None
        self._rows: list[Sequence] | None = None

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def __getitem__(self, at: int) -> Sequence:
        return self._found()[at]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"Sequence.objects has no {name}: sequences are series of the ledger. Read the attributes of each one, "
                "or ask ledger.models.Series.objects, where a scope is the code, and an organisation the tenant.",
                name=name,
                obj=self,
            )

    def using(self, alias: str) -> "SequenceSet":
        """Those of another database."""
        return self._with(_alias=alias)

    def all(self) -> "SequenceSet":
        """The same again."""
        return self._with()

    def filter(self, **fields: Any) -> "SequenceSet":
        """The sequences whose fields have these values as well."""
        names = fields.keys() - {"org"}
        if unknown := sorted(name for name in names if not isinstance(getattr(Sequence, name, None), property)):
            raise InvalidArgument(
                f"A sequence can't be looked up by {', '.join(unknown)}.",
                rule="It is found by the values of its fields: scope, org, org_content_type, org_id, prefix, …",
                remedy="Use the series itself for more: ledger.models.Series.objects.filter(…).",
            )
        return self._with(_fields={**self._fields, **fields})

    def order_by(self, *names: str) -> "SequenceSet":
        """In the order of these fields; "-scope" for the last ones first."""
        return self._with(_order=names)

    def select_for_update(self, *, nowait: bool = False, **ignored: Any) -> "SequenceSet":
        """Hold the counter of each until the transaction ends. Raises SequenceLockedError with ``nowait``."""
        return self._with(_locks={"nowait": nowait})

    def get(self, **fields: Any) -> Sequence:
        """The one sequence of these fields. Raises SequenceNotFoundError or MultipleObjectsReturned."""
        asked = self.filter(**fields)
        if not asked:
            raise scopes.not_found(asked._fields.get("scope", "that was asked for"), _tenant_of(asked._fields) or "")
        if len(asked) > 1:
            raise MultipleObjectsReturned(f"{len(asked)} sequences have {asked._fields!r}.")
        return asked[0]

    def first(self) -> Sequence | None:
        """The first one, by default that which was made first; or None."""
        return next(iter(self), None)

    def last(self) -> Sequence | None:
        """The last one, or None."""
        return self[-1] if len(self) else None

    def count(self) -> int:
        """How many they are."""
        return len(self)

    def exists(self) -> bool:
        """Whether there is one."""
        return bool(len(self))

    def update(self, *, current_value: int) -> int:
        """Move each forward to ``current_value``; the values between become gaps. Returns how many they were."""
        aliases = self._aliases(to_lock=True)
        with scopes.locked_by_others(), ExitStack() as stack:
            for alias in aliases:
                stack.enter_context(transaction.atomic(using=alias))
            found = [one for alias in aliases for one in self.using(alias)]
            for one in found:
                with translate_database_errors(one.scope):
                    scopes.skip_to(one._alias, one._series, current_value)
        return len(found)

    def _with(self, **changed: Any) -> "SequenceSet":
        other = SequenceSet(self._alias)
        vars(other).update({**vars(self), "_rows": None, **changed})
        return other

    def _found(self) -> list[Sequence]:
        if self._rows is None:
            self._rows = self._read()
        return self._rows

    def _aliases(self, *, to_lock: bool) -> list[str]:
        """Where to look: in the home of the wanted tenant, or in all homes."""
        tenant = _tenant_of(self._fields)
        if self._alias is not None or (tenant is None and are_many()):
            return [self._alias] if self._alias else homes()
        there = None if tenant is None else database_for(tenant, None)
        return [there or (router.db_for_write if to_lock else router.db_for_read)(Series)]

    def _read(self) -> list[Sequence]:
        to_lock = self._locks is not None
        aliases = self._aliases(to_lock=to_lock)
        if to_lock and not all(connections[alias].in_atomic_block for alias in aliases):
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        rows = Series.objects.order_by("pk")
        if "scope" in self._fields:
            rows = rows.filter(code=self._fields["scope"])
        given = {"scope", "org"}
        if (tenant := _tenant_of(self._fields)) is not None:
            rows = rows.filter(tenant=tenant)
            given |= {"org_content_type", "org_id"}
        others = {name: value for name, value in self._fields.items() if name not in given}
        if "org_id" in others:
            others["org_id"] = str(others["org_id"] or "")
        found = (Sequence(series, alias) for alias in aliases for series in rows.using(alias))
        kept = [one for one in found if all(getattr(one, name) == others[name] for name in others)]
        for name in reversed(self._order):
            kept.sort(key=attrgetter(name.removeprefix("-")), reverse=name.startswith("-"))
        if self._locks is not None:
            # All transactions lock them in the same order, whatever order was asked for.
            for one in sorted(kept, key=attrgetter("pk")):
                one._lock(**self._locks)
        return kept


class Sequences(SequenceSet):
    """``Sequence.objects``: makes sequences, and finds them again each time."""

    def _found(self) -> list[Sequence]:
        return self._read()

    def create(
        self,
        *,
        scope: str,
        org: Any = None,
        org_content_type: Any = None,
        org_id: Any = None,
        prefix: str = "",
        current_value: int = 0,
        pad_width: int = 6,
        include_year: bool = True,
    ) -> Sequence:
        """Make a sequence that goes on after ``current_value``. Raises SequenceExists (an IntegrityError)."""
        if current_value < 0:
            raise InvalidArgument(
                f"The current_value {current_value} is negative.",
                rule="A counter starts at 0 or above.",
                remedy="Pass the last value that was given out, or 0.",
            )
        tenant = _tenant(org, org_content_type, org_id)
        alias = self._alias or home_of(tenant)
        with transaction.atomic(using=alias):
            if find_series(alias, tenant, scope) is not None:
                raise scopes.exists(scope, tenant)
            series = scopes.series_of_scope(alias, tenant, scope, prefix, pad_width, include_year=include_year)
            series = save_series(series, alias)
            if not made_here(alias, series):
                raise scopes.exists(scope, tenant)
            if current_value:
                scopes.open_current(alias, series, after=current_value)
        return Sequence(series, alias)

    def get_or_create(self, defaults: dict[str, Any] | None = None, **fields: Any) -> tuple[Sequence, bool]:
        """The sequence of these fields, created with ``defaults`` if it doesn't exist; and whether it was created."""
        with suppress(SequenceNotFoundError):
            return self.get(**fields), False
        with suppress(SequenceExists):  # unless another connection makes it meanwhile
            return self.create(**{**fields, **(defaults or {})}), True
        return self.get(**fields), False


Sequence.objects = Sequences()


def _tenant(org: Any, org_content_type: Any, org_id: Any) -> str:
    """The tenant of an organisation, given itself or by its content type and key. No key means no tenant."""
    if org_content_type is None and org_id in (None, ""):
        return tenant_key(org)
    if org is not None or org_content_type is None or org_id in (None, ""):
        raise InvalidArgument(
            f"The organisation was named by org={org!r}, org_content_type={org_content_type!r}, org_id={org_id!r}.",
            rule="It is named by itself, or by both its content type and its primary key.",
            remedy="Pass org=my_org, or org_content_type=… and org_id=….",
        )
    return key_by_label(f"{org_content_type.app_label}.{org_content_type.model}", org_id, InvalidTenant, "org")


def _tenant_of(fields: dict[str, Any]) -> str | None:
    """The tenant that a look-up names, or None if it names none."""
    if "org" in fields:
        return tenant_key(fields["org"])
    if "org_content_type" in fields and "org_id" in fields:
        return _tenant(None, fields["org_content_type"], fields["org_id"])
    return None
