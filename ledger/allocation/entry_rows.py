"""Rows that the database has just written, as Django would read them, without another query."""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState

from ledger.allocation.interface import Request, Taken
from ledger.models import Entry, NumberIssued

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KIND = Entry.Kind.ISSUED.value


class EntryRows:
    """Makes the entries of one call, which share its tenant, date, actor and metadata."""

    def __init__(self, connection: BaseDatabaseWrapper, request: Request, issued_on: date) -> None:
        self._alias = connection.alias
        self._zone = _zone(connection)
        self._tenant = request.tenant
        self._actor = request.actor
        self._issued_on = issued_on
        self._replaces = request.replaces
        self._metadata: dict[str, Any] = json.loads(request.metadata) if request.metadata else {}

    def entry(
        self,
        document: str,
        entry_id: int,
        series_id: int,
        period_id: int,
        value: int,
        number: str,
        issued_us: int,
        transaction_id: int,
    ) -> NumberIssued:
        """One entry; ``issued_us`` is the database's clock in microseconds since 1970.

        Made as Django unpickles a model, without ``Model.__init__``, whose work for each field takes a third of a
        block's time. The signals ``pre_init`` and ``post_init`` aren't sent.
        """
        entry = self.promised(document, entry_id, series_id, period_id, transaction_id)
        self.tell(entry, self._issued_on, value, number, issued_us)
        return entry

    def answered(self, document: str, taken: Taken) -> NumberIssued:
        """One entry from the answer of a function for one document."""
        entry = self.promised(document, int(taken.entry), int(taken.series), int(taken.period), int(taken.transaction))
        self.tell(entry, self._issued_on, int(taken.value), taken.number, int(taken.issued_us))
        return entry

    def of_row(self, document: str, row: Any) -> NumberIssued:
        """One entry from a row of a function for a block."""
        return self.entry(
            document,
            row.entry_id,
            row.entry_series,
            row.entry_period,
            row.entry_value,
            row.entry_number,
            row.entry_issued_us,
            row.entry_transaction,
        )

    def tell(self, entry: NumberIssued, issued_on: date, value: int, number: str, issued_us: int) -> None:
        """Fill in a promised entry; its date may be the date of the commit."""
        moment = _EPOCH + timedelta(microseconds=issued_us)
        attributes = entry.__dict__
        attributes["issued_on"] = issued_on
        attributes["value"] = value
        attributes["number"] = number
        attributes["issued_at"] = moment if self._zone is None else _as_read(moment, self._zone)

    def promised(
        self, document: str, entry_id: int, series_id: int, period_id: int, transaction_id: int
    ) -> NumberIssued:
        """One entry whose value, number and time aren't known yet: Django reads such fields when they are used."""
        entry = NumberIssued.__new__(NumberIssued)
        state = ModelState()
        state.adding = False
        state.db = self._alias
        entry.__dict__ = {
            "_state": state,
            "id": entry_id,
            "tenant": self._tenant,
            "series_id": series_id,
            "period_id": period_id,
            "kind": _KIND,
            "document": document,
            "issued_on": self._issued_on,
            "transaction_id": transaction_id,
            "actor": self._actor,
            # A copy for each entry, since a caller may change it.
            "metadata": deepcopy(self._metadata) if self._metadata else {},
            "replaces_id": self._replaces,
        }
        return entry


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause the collector while a block makes its objects: checking them costs more than making them."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _zone(connection: BaseDatabaseWrapper) -> ZoneInfo | timezone | str | None:
    """The zone in which Django reads timestamps on this connection: None for UTC, a name where USE_TZ is off."""
    zone: Any = connection.timezone
    return None if zone is UTC else zone or str(connection.timezone_name)


def _as_read(moment: datetime, zone: ZoneInfo | timezone | str) -> datetime:
    if isinstance(zone, str):
        return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return moment.astimezone(zone)
