"""Reads the numbers of documents from any model of the shop, and adopts them like a file."""

import csv
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import connections
from django.db.models import Q

from ledger.adoption import AdoptionResult, adopt
from ledger.calendars import Calendar, CalendarKind, FiscalStart, business_date, zone
from ledger.conf import ledger_settings
from ledger.errors import InvalidArgument, InvalidDocument, InvalidTenant
from ledger.instances import instance_key, label, lookup, pk_value, topmost
from ledger.number_templates import parse_template
from ledger.series import find_series
from ledger.spreadsheets import Layout, Record, Table

_BATCH = 2_000

# The name of the row's key among the fields.
_DOCUMENT = "primary key"


@dataclass(frozen=True, slots=True)
class History:
    """Where a shop keeps its numbers: a model and its fields.

    ``number_field`` is the number as people read it, or the counter as a whole number. ``date_field`` is the business
    date or the time of issue. ``org_field`` leads to the tenant. ``pattern`` is that of ``Layout``.
    """

    model: str
    number_field: str
    date_field: str
    org_field: str | None = None
    pattern: str | None = None
    where: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise InvalidArgument if there is no such model or field."""
        try:
            model = apps.get_model(self.model)
            for name in (self.number_field, self.date_field, self.org_field):
                if name is not None and not model._meta.get_field(name).concrete:
                    raise FieldDoesNotExist(f"{name!r} is no column of its table")
            dated = model._meta.get_field(self.date_field)
            kind = getattr(dated, "output_field", dated).get_internal_type()
            if kind not in ("DateField", "DateTimeField"):
                raise ValueError(f"{self.date_field!r} is a {kind}; the date is a DateField or a DateTimeField.")
            str(model._base_manager.filter(*self._conditions()).query)
        except (LookupError, ValueError, FieldDoesNotExist, FieldError, ValidationError) as error:
            raise InvalidArgument(
                f"The numbers can't be read from {self.model!r}: {str(error).rstrip('.')}.",
                rule="They are read from fields of a model of one of INSTALLED_APPS.",
                remedy="Name them like --model shop.Invoice --number-field number --date-field created_at, and --where "
                "status=paid.",
            ) from error

    def tenants(self, alias: str) -> list[str]:
        """The tenants of the numbers; [""] without an ``org_field``."""
        if self.org_field is None:
            return [""]
        model = self._model()
        field = model._meta.get_field(self.org_field)
        if field.related_model is None:
            keys = model._base_manager.using(alias).order_by(self.org_field).values_list(self.org_field, flat=True)
            return list(dict.fromkeys(str(key or "") for key in keys.distinct()))
        owners = field.related_model._base_manager.using(alias)
        used = model._base_manager.using(alias).exclude(**{self.org_field: None}).values(f"{self.org_field}__pk")
        tenants = [instance_key(owner, InvalidTenant, "org") for owner in owners.filter(pk__in=used).order_by("pk")]
        nobodys = model._base_manager.using(alias).filter(**{self.org_field: None}).exists()
        return [*([""] if nobodys else []), *tenants]

    def lock(self, alias: str) -> None:
        """Wait for transactions that are writing numbers, and block new ones until this transaction ends."""
        lock_table(alias, self._model()._meta.db_table, "SHARE ROW EXCLUSIVE")

    def adopt(
        self, alias: str, tenant: str, series: str, settings: dict[str, Any], explain_gaps: str | None, by: str
    ) -> AdoptionResult | None:
        """Take over the numbers of one tenant; None if it has no numbers. Raises AdoptionError and its subclasses."""
        number_of = self._number_of(alias, tenant, series, settings)
        rows = self._rows(alias, tenant)
        first = next(rows, None)
        if first is None:
            return None
        origin = _Rows(self, chain([first], rows), number_of)
        header = [self.number_field, self.date_field, _DOCUMENT]
        table = _ModelTable(origin, header, origin.records(), kind="model", cell="field", keys=origin.keys)
        layout = Layout(self.number_field, self.date_field, document_column=_DOCUMENT, pattern=self.pattern)
        how: dict[str, Any] = {"layout": layout, "settings": settings, "explain_gaps": explain_gaps, "by": by}
        return adopt(table, series=series, org=tenant, using=alias, **how)

    def _model(self) -> Any:
        return apps.get_model(self.model)

    def _rows(self, alias: str, tenant: str) -> Iterator[Any]:
        rows = self._model()._base_manager.using(alias).filter(*self._conditions()).exclude(**{self.number_field: None})
        if self.org_field is not None:
            mine = self._of_org(self.org_field, tenant)
            rows = rows.filter(mine if tenant else mine | Q(**{self.org_field: None}))
        for row in rows.order_by("pk").iterator(_BATCH):
            if getattr(row, self.number_field) != "":
                yield row

    def _conditions(self) -> list[Q]:
        """``where`` as Django's look-ups. Raises ValueError."""
        found = []
        for text in self.where:
            name, equals, values = text.partition("=")
            if not equals:
                raise ValueError(f"{text!r} is no look-up such as status=paid|void")
            known = [{"True": True, "False": False}.get(value, value) for value in values.split("|")]
            found.append(Q(**{name: known[0]}) if len(known) == 1 else Q(**{f"{name}__in": known}))
        return found

    def _of_org(self, org_field: str, tenant: str) -> Q:
        """The rows of a tenant: their field has its key, or leads to its instance."""
        related = self._model()._meta.get_field(org_field).related_model
        if related is None or not tenant:
            return Q(**{org_field: tenant if related is None else None})
        named, _, key = tenant.partition(":")
        if named != label(related):
            raise InvalidArgument(
                f"The tenant {tenant!r} can't be found by {self.model}.{org_field}, which leads to {label(related)}.",
                rule="The field tells whose a number is, so it leads to the model of the tenants.",
                remedy="Name another --org-field, or move the counters of that organisation alone.",
            )
        return Q(**{f"{org_field}__{lookup(related)}": pk_value(topmost(related)[0], key)})

    def _number_of(self, alias: str, tenant: str, series: str, settings: dict[str, Any]) -> Any:
        """A function that makes the number of a field's value: an integer is formatted as the series does it."""
        found = find_series(alias, tenant, series)
        given = settings if found is None else {}
        if found is not None:
            template, calendar, time_zone = found.as_template(), found.as_calendar(), found.time_zone
        elif "template" in given:
            calendar = Calendar(
                CalendarKind(given.get("calendar", "year")), FiscalStart.parse(given.get("fiscal_start", "01-01"))
            )
            template = parse_template(given["template"], calendar, series=series, tenant=tenant)
            time_zone = given.get("time_zone", ledger_settings().time_zone)
        else:
            template = None

        def number_of(number: Any, when: date | datetime) -> str:
            if isinstance(number, str) or template is None:
                return str(number)
            day = business_date(when, zone(time_zone)) if isinstance(when, datetime) else when
            span = calendar.span(day)
            return str(number) if span is None else template.compile(span).number(int(number), day)

        return number_of


def lock_table(alias: str, table: str, mode: str) -> None:
    """Lock a table of the shop until the transaction ends."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {connection.ops.quote_name(table)} IN {mode} MODE")


class _Rows:
    """The rows of a model as the source of a table, all read into a temporary file first.

    While the numbers are copied into the ledger, the connection can run no other query.
    """

    size = position = 0

    def __init__(self, history: History, rows: Iterator[Any], number_of: Callable[[Any, Any], str]) -> None:
        self.name = history.model
        #: The keys by row, if they aren't integers, which name the rows themselves.
        self.keys: list[Any] = []
        self._digest = hashlib.sha256()
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="")  # noqa: SIM115
        writer = csv.writer(self._file)
        for row in rows:
            number, when = getattr(row, history.number_field), getattr(row, history.date_field)
            if not isinstance(row.pk, int):
                self.keys.append(row.pk)
            shown, stated = (str(number), "") if when is None else (number_of(number, when), when.isoformat())
            cells = [shown, stated, instance_key(row, InvalidDocument, "document")]
            self._digest.update(repr(cells).encode(errors="backslashreplace"))
            writer.writerow([len(self.keys) or row.pk, *cells])
        self._file.seek(0)

    def records(self) -> Iterator[Record]:
        for row, *cells in csv.reader(self._file):
            yield Record(int(row), cells)

    def sha256(self) -> str:
        return self._digest.hexdigest()

    def close(self) -> None:
        self._file.close()


@dataclass
class _ModelTable(Table):
    """The rows of a model as a table; each is named by its primary key."""

    keys: Sequence[Any] = ()

    def place(self, row: int) -> str:
        return f"{self.name} {self.keys[row - 1] if self.keys else row}"
