"""The arguments of ``issue`` and ``issue_many``, checked and turned into what the database takes."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from ledger import refusals
from ledger.allocation.interface import Request
from ledger.calendars import business_date, zone
from ledger.conf import ledger_settings
from ledger.errors import InvalidDate, InvalidMetadata
from ledger.keys import actor_name, document_key, tenant_key
from ledger.models import Entry
from ledger.texts import can_be_held, shown
from ledger.unreadable import nesting

#: No time zone is further from UTC than this.
_FURTHEST = timedelta(days=1)
_NO_ZONE = zone("UTC")
#: The most that an immutable row may hold, so that any program can read it: bytes of JSON, levels, digits of a number.
#: The database has the same limits (ledger_is_facts).
_LARGEST = 65_536
_DEEPEST = 32
_LONGEST_NUMBER = 999
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONG_NUMBER = re.compile(rf"[0-9.]{{{_LONGEST_NUMBER + 1}}}")


def make_request(series: str, *, org: Any, document: Any, on: Any, metadata: Any, by: Any) -> Request:
    """Check every argument of one call. Raises the InvalidArgument error that names the first bad one."""
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
        return None, (datetime.now(UTC) if ledger_settings().clock == "application" else None)
    if isinstance(on, datetime):
        day = business_date(on, _NO_ZONE)  # refuses a datetime without a zone
        if not date.min + _FURTHEST <= day <= date.max - _FURTHEST:
            raise InvalidDate(
                f"The datetime {on.isoformat()} lies at the end of the calendar.",
                rule="A business date lies in the years 1 to 9999 in every time zone.",
                remedy="Pass the business date itself, such as 2026-04-01.",
            )
        return None, on
    if not isinstance(on, date):
        raise InvalidDate(
            f"on={shown(on)} is of type {type(on).__name__}.",
            rule="A business date is a date, or an aware datetime that the series' time zone turns into one.",
            remedy="Pass on=datetime.date(2026, 3, 31), on=timezone.now(), or leave it out for today.",
        )
    return on, None


def check_facts(request: Request, entry: Entry) -> None:
    """Refuse a retry whose facts differ from those of ``entry``. What the caller left out is not compared.

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
            f"metadata={shown(metadata)} is of type {type(metadata).__name__}.",
            rule="Metadata is a mapping that JSON can hold.",
            remedy="Pass a dict, for example metadata={'channel': 'web'}.",
        )
    try:
        text = json.dumps(dict(metadata), cls=DjangoJSONEncoder, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMetadata(
            f"metadata={shown(metadata)} can't be written as JSON: {error}.",
            rule="Metadata is kept as JSON in an immutable row.",
            remedy="Turn its values into strings, numbers, lists and dicts first.",
        ) from error
    if (problem := _unreadable(text)) is not None:
        raise InvalidMetadata(
            f"metadata={shown(metadata)} {problem}.",
            rule=f"Metadata stays readable for ever: at most {_LARGEST // 1024} KiB of JSON, {_DEEPEST} levels, and "
            f"numbers of {_LONGEST_NUMBER} digits.",
            remedy="Keep large things where the document is kept, and a key to them here.",
        )
    escapes = text.replace("\\\\", "")  # an escaped backslash begins no other escape
    if "\\u0000" in escapes:
        raise InvalidMetadata(
            f"metadata={shown(metadata)} holds a NUL character.",
            rule="PostgreSQL's JSON can't hold the character U+0000.",
            remedy="Remove it from the text.",
        )
    if "\\ud" in escapes and not can_be_held(json.dumps(json.loads(text), ensure_ascii=False)):
        raise InvalidMetadata(
            f"metadata={shown(metadata)} holds half a character: a lone surrogate.",
            rule="PostgreSQL's JSON can't hold a surrogate that isn't one of a pair.",
            remedy="Decode the text again from its bytes, or remove it: text.encode(errors='replace').decode().",
        )
    return text


def _unreadable(text: str) -> str | None:
    """Why JSON text is too large for an immutable row, or None."""
    if len(text) > _LARGEST and (size := len(json.dumps(json.loads(text), ensure_ascii=False).encode())) > _LARGEST:
        return f"has {size:,} bytes"
    if text.count("{") + text.count("[") > _DEEPEST and nesting(json.loads(text)) > _DEEPEST:
        return f"is nested more than {_DEEPEST} levels deep"
    if len(text) > _LONGEST_NUMBER and _LONG_NUMBER.search(_STRING.sub("", text)):
        return f"has a number of more than {_LONGEST_NUMBER} digits"
    return None
