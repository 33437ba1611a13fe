"""The numbers that documents bear in a table of the shop: read from any model, and adopted as a file would be."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import Q

from ledger.adoption import AdoptionResult, Layout, adopt
from ledger.calendars import Calendar, CalendarKind, FiscalStart, business_date, zone
from ledger.conf import ledger_settings
from ledger.errors import AdoptionError, InvalidArgument, InvalidDocument, InvalidTenant
from ledger.formats import parse_template
from ledger.instances import instance_key, label, lookup, pk_value, topmost
from ledger.series import find_series

_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class History:
    """Where a shop keeps its numbers: a model, and which of its fields has what.

    ``number_field`` is a text as people read it, or the bare counter as a whole number. ``date_field`` is the business
    date or the time of issue. ``org_field``, a relation, tells whose the number is. ``pattern`` is that of ``Layout``.
    """

    model: str
    number_field: str
    date_field: str
    org_field: str | None = None
    pattern: str | None = None

    def check(self) -> None:
        """Raise InvalidArgument where there is no such model or field."""
        try:
            model = apps.get_model(self.model)
            for name in (self.number_field, self.date_field, self.org_field):
                if name is not None:
                    model._meta.get_field(name)
        except (LookupError, ValueError, FieldDoesNotExist) as error:
            raise InvalidArgument(
                f"The numbers can't be read from {self.model!r}: {error}",
                rule="They are read from fields of a model of one of INSTALLED_APPS.",
                remedy="Name them like --model shop.Invoice --number-field number --date-field created_at.",
            ) from error

    def tenants(self, alias: str) -> list[str]:
        """Whose numbers there are; [""] without an ``org_field``."""
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
        """Wait for transactions that are writing numbers, and let no other write until this one ends."""
        connection = connections[alias]
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(self._model()._meta.db_table)
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

    def adopt(
        self, alias: str, tenant: str, series: str, settings: dict[str, Any], explain_gaps: str | None, by: str
    ) -> AdoptionResult | None:
        """Take over the numbers of one tenant; None where it has none. Raises AdoptionError and its kin."""
        number_of = self._number_of(alias, tenant, series, settings)
        with tempfile.TemporaryDirectory(prefix="folio-") as folder:
            path = Path(folder) / f"{self._model()._meta.label_lower}.csv"
            rows = 0
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["number", "issued_at", "document"])
                for row in self._rows(alias, tenant):
                    number, when = getattr(row, self.number_field), getattr(row, self.date_field)
                    if when is None:
                        raise AdoptionError(
                            f"{row._meta.label} {row.pk} has the number {number!r} and no {self.date_field}.",
                            rule="Each number has a business date.",
                            remedy="Fill it in, or name another --date-field.",
                        )
                    key = instance_key(row, InvalidDocument, "document")
                    writer.writerow([number_of(number, when), when.isoformat(), key])
                    rows += 1
            if not rows:
                return None
            return adopt(
                path,
                series=series,
                org=tenant,
                layout=Layout(document_column="document", pattern=self.pattern),
                settings=settings,
                explain_gaps=explain_gaps,
                by=by,
                using=alias,
            )

    def _model(self) -> Any:
        return apps.get_model(self.model)

    def _rows(self, alias: str, tenant: str) -> Iterator[Any]:
        rows = self._model()._base_manager.using(alias).exclude(**{self.number_field: None})
        if self.org_field is not None:
            mine = self._of_org(self.org_field, tenant)
            rows = rows.filter(mine if tenant else mine | Q(**{self.org_field: None}))
        for row in rows.order_by("pk").iterator(_BATCH):
            if getattr(row, self.number_field) != "":
                yield row

    def _of_org(self, org_field: str, tenant: str) -> Q:
        """The rows of a tenant: their field has the text itself, or leads to the instance."""
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
        """Turns what the field has into a number: a whole number is rendered as the series will do it."""
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
