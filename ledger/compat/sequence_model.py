"""The model ``Sequence`` of django-sequence, as a view of the ledger: made, found and read as the old one was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import MultipleObjectsReturned
from django.db import IntegrityError, connections, router, transaction

from ledger.calendars import CalendarKind
from ledger.compat.new_series import made_here
from ledger.compat.scopes import open_current, series_of_scope, today_of
from ledger.errors import InvalidArgument, InvalidTenant, LedgerError, UnknownSeries
from ledger.formats import DateToken
from ledger.instances import key_by_label, pk_value
from ledger.keys import tenant_key
from ledger.models import Period, Series
from ledger.periods import find_period, planned_period
from ledger.series import find_series, save_series


class SequenceNotFoundError(UnknownSeries):
    """There is no such sequence, and ``auto_create=False`` asked not to make it."""


class SequenceExists(LedgerError, IntegrityError):
    """The organisation has a sequence of that scope already."""


def not_found(scope: str, tenant: str) -> SequenceNotFoundError:
    return SequenceNotFoundError(
        f"There is no sequence {scope!r} of {tenant or 'no organisation'}.",
        rule="auto_create=False, and look-ups, make none.",
        remedy=f"Make it: Sequence.objects.create(scope={scope!r}, …), or leave auto_create out.",
    )


class Sequence:
    """A sequence as django-sequence's model shows it; read from the ledger, so its attributes can't be set.

    ``scope``, ``prefix``, ``pad_width``, ``include_year`` are those of its series, ``current_value`` is the last value
    of the current period, 0 before the first. ``org_content_type``, ``org_id`` and ``org`` name its tenant.
    """

    objects: Sequences
    DoesNotExist = SequenceNotFoundError
    MultipleObjectsReturned = MultipleObjectsReturned

    def __init__(self, series: Series, alias: str) -> None:
        self._series = series
        self._alias = alias
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
        prefix = ""
        for part in self._series.as_template().before:
            if not isinstance(part, str):
                break
            prefix += part
        return prefix

    @property
    def pad_width(self) -> int:
        """To how many digits the counter is padded."""
        return self._series.as_template().width

    @property
    def include_year(self) -> bool:
        """Whether the year stands in the numbers."""
        return any(isinstance(part, DateToken) and part.unit == "year" for part in self._series.as_template().before)

    @property
    def current_value(self) -> int:
        """The last value of the current period; 0 before its first."""
        return 0 if self._period is None else self._period.last_value

    @property
    def formatted_value(self) -> str:
        """The number of ``current_value``."""
        period = self._period
        if period is None:
            if self._series.calendar == CalendarKind.EXPLICIT:
                year = f"{today_of(self._alias, self._series).year}-" if self.include_year else ""
                return f"{self.prefix}{year}{0:0{self.pad_width}}"
            period = planned_period(self._series, today_of(self._alias, self._series), self._alias)
        return period.number_of(self.current_value, self._alias)

    @property
    def org_content_type(self) -> Any:
        """The ContentType of the organisation; None without one, or where the tenant is a plain text."""
        from django.contrib.contenttypes.models import ContentType

        if (model := self._org_model()) is None:
            return None
        return ContentType.objects.db_manager(self._alias).get_for_model(model)

    @property
    def org_id(self) -> Any:
        """The primary key of the organisation, or None."""
        if (model := self._org_model()) is None:
            return None
        return pk_value(model, self._series.tenant.partition(":")[2])

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

    def _current(self) -> Period | None:
        return find_period(self._series, today_of(self._alias, self._series), self._alias)

    def _org_model(self) -> Any:
        from django.apps import apps

        label, _, key = self._series.tenant.partition(":")
        try:
            return apps.get_model(label) if key else None
        except (LookupError, ValueError):
            return None  # a tenant that the merchant named by a text


class Sequences:
    """``Sequence.objects``: makes and finds sequences by their fields."""

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
        alias = router.db_for_write(Series)
        tenant = _tenant(org, org_content_type, org_id)
        with transaction.atomic(using=alias):
            if find_series(alias, tenant, scope) is not None:
                raise _exists(scope, tenant)
            series = series_of_scope(alias, tenant, scope, prefix, pad_width, include_year=include_year)
            series = save_series(series, alias)
            if not made_here(alias, series):
                raise _exists(scope, tenant)
            if current_value:
                open_current(connections[alias], series, after=current_value)
        return Sequence(series, alias)

    def get_or_create(self, defaults: dict[str, Any] | None = None, **fields: Any) -> tuple[Sequence, bool]:
        """The sequence of these fields, made with ``defaults`` besides where there is none; and whether it was made."""
        try:
            return self.get(**fields), False
        except SequenceNotFoundError:
            try:
                return self.create(**{**fields, **(defaults or {})}), True
            except SequenceExists:  # made on another connection meanwhile
                return self.get(**fields), False

    def get(self, **fields: Any) -> Sequence:
        """The one sequence of these fields. Raises SequenceNotFoundError or MultipleObjectsReturned."""
        found = list(self.filter(**fields))
        if not found:
            raise not_found(fields.get("scope", "that was asked for"), _tenant_of(fields) or "")
        if len(found) > 1:
            raise MultipleObjectsReturned(f"{len(found)} sequences have {fields!r}.")
        return found[0]

    def filter(self, **fields: Any) -> SequenceSet:
        """The sequences whose fields have these values."""
        alias = router.db_for_read(Series)
        rows = Series.objects.using(alias).order_by("pk")
        if "scope" in fields:
            rows = rows.filter(code=fields["scope"])
        if (tenant := _tenant_of(fields)) is not None:
            rows = rows.filter(tenant=tenant)
        others = {name: value for name, value in fields.items() if name not in ("scope", "org")}
        if tenant is not None:
            others = {name: value for name, value in others.items() if name not in ("org_content_type", "org_id")}
        if unknown := sorted(name for name in others if not isinstance(getattr(Sequence, name, None), property)):
            raise InvalidArgument(
                f"A sequence can't be looked up by {', '.join(unknown)}.",
                rule="It is found by the values of its fields: scope, org, org_content_type, org_id, prefix, …",
                remedy="Use the series itself for more: ledger.models.Series.objects.filter(…).",
            )
        found = (Sequence(series, alias) for series in rows)
        return SequenceSet(one for one in found if all(getattr(one, name) == others[name] for name in others))

    def all(self) -> SequenceSet:
        """Every sequence: each series of the ledger is one."""
        return self.filter()


class SequenceSet:
    """Sequences that were found."""

    def __init__(self, found: Iterator[Sequence]) -> None:
        self._found = list(found)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, at: int) -> Sequence:
        return self._found[at]

    def count(self) -> int:
        """How many they are."""
        return len(self._found)

    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._found)

    def first(self) -> Sequence | None:
        """The one that was made first, or None."""
        return self._found[0] if self._found else None


Sequence.objects = Sequences()


def _exists(scope: str, tenant: str) -> SequenceExists:
    return SequenceExists(
        f"There is a sequence {scope!r} of {tenant or 'no organisation'} already.",
        rule="An organisation has one sequence of each scope.",
        remedy="Use get_or_create(), or next_sequence(), which makes it at the first call.",
    )


def _tenant(org: Any, org_content_type: Any, org_id: Any) -> str:
    """The tenant of an organisation, as it is or by its content type and key."""
    if org_content_type is None and org_id is None:
        return tenant_key(org)
    if org is not None or org_content_type is None or org_id is None:
        raise InvalidArgument(
            f"The organisation was named by org={org!r}, org_content_type={org_content_type!r}, org_id={org_id!r}.",
            rule="It is named by itself, or by both its content type and its primary key.",
            remedy="Pass org=my_org, or org_content_type=… and org_id=….",
        )
    return key_by_label(f"{org_content_type.app_label}.{org_content_type.model}", org_id, InvalidTenant, "org")


def _tenant_of(fields: dict[str, Any]) -> str | None:
    """The tenant that a look-up names, or None where it names none."""
    if "org" in fields:
        return tenant_key(fields["org"])
    if "org_content_type" in fields and "org_id" in fields:
        return _tenant(None, fields["org_content_type"], fields["org_id"])
    return None
