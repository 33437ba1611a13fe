"""Filters of Folio's own pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join

from ledger.reconciliation.findings import told_there
from ledger.tenants import tenant_name, tenant_tax_id
from ledger.timestamps import aware, timestamp
from ledger.unreadable import cut
from ledger.zones import timestamp_in

register = template.Library()

#: Characters of one fact on a page; the report as JSON has all of them.
_LONGEST = 5000


@register.filter
def grouped(number: Any) -> str:
    """A quantity with commas; a dash for none. What should be a quantity and is none is shown as it is."""
    if number is None:
        return "–"
    return f"{number:,}" if isinstance(number, (int, float)) else cut(str(number))


@register.filter
def company(tenant: str) -> str:
    """What a tenant is called."""
    return tenant_name(tenant)


@register.filter
def tax_id(tenant: str) -> str:
    """Its tax id; empty where nobody says one."""
    return tenant_tax_id(tenant)


@register.filter
def day(on: date | None) -> str:
    """A date, as programs write it too."""
    return "–" if on is None else on.isoformat()


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, to go through."""
    return text.split()


@register.filter
def moment(at: datetime | None, zone: str = "") -> str:
    """A moment for people, in the time zone of a series or in the reader's, and for programs."""
    if at is None:
        return "–"
    shown = timestamp_in(at, zone) if zone else timestamp(at)
    return format_html('<time datetime="{}">{}</time>', aware(at).isoformat(), shown)


@register.filter
def lasted(span: timedelta | None) -> str:
    """How long something took."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@register.filter
def there(facts: Mapping[str, Any]) -> str:
    """What the other side has, of the facts of a finding."""
    return told_there(facts)


@register.filter
def evidence(facts: Mapping[str, Any]) -> str:
    """Facts, one line for each; what is in a mapping stands below its name."""
    if not facts:
        return ""
    lines = ((name.replace("_", " "), _fact(fact)) for name, fact in facts.items())
    return format_html('<dl class="facts">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", lines))


def _fact(fact: Any) -> str:
    if isinstance(fact, Mapping):
        return evidence(fact) or "–"
    if isinstance(fact, list) and fact and all(isinstance(one, Mapping) for one in fact):
        return format_html_join("", "{}", ((evidence(one),) for one in fact))
    if fact is None or fact == "":
        return "–"
    if isinstance(fact, str):
        return _moment(fact) or cut(fact, _LONGEST)
    if isinstance(fact, date):
        return fact.isoformat()
    return cut(json.dumps(fact, ensure_ascii=False, cls=DjangoJSONEncoder), _LONGEST)


def _moment(text: str) -> str:
    """A time as PostgreSQL wrote it, in the reader's zone; empty for anything else."""
    try:
        at = parse_datetime(text) if len(text) > 10 else None
    except ValueError:
        return ""
    return timestamp(at) if at is not None and at.tzinfo is not None else ""
