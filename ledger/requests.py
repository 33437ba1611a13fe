"""The arguments of ``issue`` and its kin, checked and turned into what the database takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from ledger import refusals
from ledger.allocation.answers import Request
from ledger.calendars import business_date, zone
from ledger.conf import ledger_settings
from ledger.errors import InvalidDate, InvalidMetadata
from ledger.keys import actor_name, document_key, tenant_key
from ledger.models import Entry

_NO_ZONE = zone("UTC")


def make_request(series: str, *, org: Any, document: Any, on: Any, metadata: Any, by: Any) -> Request:
    """Check every argument of one call; raises the InvalidArgument error that names the first bad one."""
    day, moment = day_or_moment(on)
    return Request(
        tenant=tenant_key(org),
        series=series,
        on=day,
        at=moment,
        on_stated=on is not None,
        document=document_key(document),
        actor=actor_name(by),
        metadata=None if metadata is None else _json(metadata),
    )


def day_or_moment(on: Any) -> tuple[date | None, datetime | None]:
    """A business date, or a moment that the database turns into one; both None for today by the database's clock."""
    if on is None:
        # Without LEDGER there is nothing to read and check: the database's clock it is.
        own_clock = hasattr(settings, "LEDGER") and ledger_settings().clock == "application"
        return None, (datetime.now(UTC) if own_clock else None)
    if isinstance(on, datetime):
        business_date(on, _NO_ZONE)  # refuses a datetime without a zone
        return None, on
    if not isinstance(on, date):
        raise InvalidDate(
            f"on={on!r} is of type {type(on).__name__}.",
            rule="A business date is a date, or an aware datetime that the series' time zone turns into one.",
            remedy="Pass on=datetime.date(2026, 3, 31), on=timezone.now(), or leave it out for today.",
        )
    return on, None


def check_facts(request: Request, entry: Entry) -> None:
    """Refuse a retry that states other facts than ``entry`` has; what the caller left out, it did not state.

    Raises DocumentConflict. ``entry`` must come with its period and series.
    """
    if request.on_stated:
        moment = request.on or request.at
        assert moment is not None
        day = business_date(moment, zone(entry.series.time_zone))
        if not entry.period.starts_on <= day <= entry.period.ends_on:
            had = f"is dated {entry.issued_on}, in the period {entry.period.label}"
            raise refusals.other_facts(entry, had, f"on={day}")
    if request.metadata is not None and json.loads(request.metadata) != entry.metadata:
        raise refusals.other_facts(entry, f"has metadata {entry.metadata!r}", f"metadata={request.metadata}")


def _json(metadata: Any) -> str:
    if not isinstance(metadata, Mapping):
        raise InvalidMetadata(
            f"metadata={metadata!r} is of type {type(metadata).__name__}.",
            rule="Metadata is a mapping that JSON can hold.",
            remedy="Pass a dict, for example metadata={'channel': 'web'}.",
        )
    try:
        text = json.dumps(dict(metadata), cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidMetadata(
            f"metadata={metadata!r} can't be written as JSON: {error}.",
            rule="Metadata is kept as JSON in an immutable row.",
            remedy="Turn its values into texts, numbers, lists and dicts first.",
        ) from error
    if "\\u0000" in text:
        raise InvalidMetadata(
            f"metadata={metadata!r} holds a NUL character.",
            rule="PostgreSQL's JSON can't hold the character U+0000.",
            remedy="Remove it from the text.",
        )
    return text
