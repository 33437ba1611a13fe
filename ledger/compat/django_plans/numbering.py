"""Gives invoices of django-plans their number at the first save, in the same transaction."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import transaction

from ledger.compat.conf import SeriesChoice, compat_settings
from ledger.compat.drawn_keys import draw_keys
from ledger.compat.new_series import find_or_make
from ledger.errors import AdoptionError, InvalidSeries
from ledger.homes import are_many, home_of
from ledger.issuing import issue
from ledger.series import find_series

#: The letters in django-plans' numbers; and by PLANS_INVOICE_COUNTER_RESET, its calendar and the month it writes.
_LETTERS = {"INVOICE": "FV", "PROFORMA": "PF"}
_FORMS = {2: ("month", "{month}"), 3: ("year", "{doc_month}")}


def numbered(save: Callable[..., None]) -> Callable[..., None]:
    """``AbstractInvoice.save``, but a new invoice without a number gets one from the ledger."""

    @wraps(save)
    def save_numbered(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.number is not None or not self._state.adding:
            save(self, *args, **kwargs)
            return
        chosen = _chosen(self)
        alias = home_of(chosen.org)
        if are_many():
            kwargs = {"using": alias, **kwargs}
        with transaction.atomic(using=alias):
            _refuse_unmoved(self, chosen, alias)
            series = find_or_make(alias, chosen.org, chosen.series, chosen.settings)
            if self.pk is None:  # before the row is there, so that the ledger can name it
                [self.pk] = draw_keys(type(self), alias, 1)
            entry = issue(series, document=self, on=self.issued, using=alias)
            self.number, self.full_number = entry.value, str(entry)
            save(self, *args, **{**kwargs, "force_insert": True})

    return save_numbered


def _chosen(invoice: Any) -> SeriesChoice:
    names = ("INVOICE", "DUPLICATE", "PROFORMA", "CREDIT_NOTE")
    kind = next((name for name in names if invoice.INVOICE_TYPES[name] == invoice.type), str(invoice.type))
    chosen = compat_settings().plans.get(kind)
    if chosen is not None:
        return chosen
    reset = getattr(settings, "PLANS_INVOICE_COUNTER_RESET", 2)
    if kind not in _LETTERS or reset not in _FORMS:
        raise InvalidSeries(
            f"django-plans' own format gives the {kind} of {invoice.issued} the number of another invoice"
            + ("." if kind not in _LETTERS else f", with PLANS_INVOICE_COUNTER_RESET = {reset}."),
            rule="A number is one document's, so each type has a series, whose template tells it from the others.",
            remedy=f"Name it: LEDGER_COMPAT = {{'PLANS': {{{kind!r}: {{'series': 'credit-note', "
            "'template': '{counter}/KOR/{month}/{year}', 'calendar': 'month'}}}.",
        )
    calendar, month = _FORMS[reset]
    template = f"{{counter}}/{_LETTERS[kind]}/{month}/{{year}}"
    return SeriesChoice(
        f"plans-{kind.lower()}", "", {"template": template, "calendar": calendar, "max_length": 100}, {}
    )


def _refuse_unmoved(invoice: Any, chosen: SeriesChoice, alias: str) -> None:
    """Refuse a new series that would repeat numbers of invoices from before Folio."""
    if find_series(alias, chosen.org, chosen.series) is not None:
        return
    rows = type(invoice)._base_manager.using(alias if are_many() else None)
    old = rows.filter(type=invoice.type).order_by("-issued", "-number").first()
    if old is None:
        return
    raise AdoptionError(
        f"There are invoices of django-plans from before Folio, the last one {old.full_number!r}.",
        rule="A series begins after the numbers that were given out.",
        remedy="Take them over, as the guide 'From django-plans' says: manage.py ledger_migrate_from. Or define the "
        f"series with another template: define_series({chosen.series!r}, …).",
    )
