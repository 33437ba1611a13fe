"""Filters of Folio's own pages, and the banner on the admin's pages."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join

from ledger.localization import day_told, moment_told, period_told, quantity, word
from ledger.reconciliation.findings import told_there
from ledger.tenants import tenant_name, tenant_tax_id
from ledger.timestamps import aware
from ledger.unreadable import cut
from ledger.zones import zone_or_utc

register = template.Library()

#: Characters of one fact on a page; the report as JSON has all of them.
LONGEST = 5000


@register.inclusion_tag("ledger/admin/verdict.html", takes_context=True)
def ledger_verdict(context: Any) -> dict[str, Any]:
    """The verdict on the whole ledger."""
    # Here, since Django imports all tags with the first template, also in a host that has no admin.
    from ledger.admin.periods import judgement_for

    return {"verdict": judgement_for(context["request"]).verdict}


@register.filter
def grouped(number: Any) -> str:
    """A quantity, grouped as the language does it; a dash for None. Anything else is shown as it is."""
    if number is None:
        return "–"
    return quantity(number) if isinstance(number, (int, float)) else cut(str(number))


register.filter("company", tenant_name)
register.filter("tax_id", tenant_tax_id)
register.filter("span", period_told)
register.filter("there", told_there)


@register.filter
def day(on: date | None) -> str:
    return "–" if on is None else day_told(on)


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.filter
def moment(at: datetime | None, zone: str = "") -> str:
    """A moment for people, in the time zone of a series or in the reader's, and for programs."""
    if at is None:
        return "–"
    shown = moment_told(at, zone_or_utc(zone) if zone else None)
    return format_html('<time datetime="{}">{}</time>', aware(at).isoformat(), shown)


@register.filter
def lasted(span: timedelta | None) -> str:
    if span is None:
        return "–"
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{number_format(seconds, 1 if seconds < 10 else 0)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{quantity(round(seconds / 3600))} h"


@register.filter
def evidence(facts: Any, style: str = "facts") -> str:
    """Facts, one on a line; a nested mapping is indented below its name. Anything else is shown as it is."""
    if not facts:
        return ""
    if not isinstance(facts, Mapping):
        return cut(str(facts), LONGEST)
    lines = ((word(str(name).replace("_", " ")), _fact(fact, style)) for name, fact in facts.items())
    rows = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", lines)
    return format_html('<dl class="{}">{}</dl>', style, rows)


def _fact(fact: Any, style: str) -> str:
    if isinstance(fact, Mapping):
        return evidence(fact, style) or "–"
    if isinstance(fact, list) and fact and all(isinstance(one, Mapping) for one in fact):
        return format_html_join("", "{}", ((evidence(one, style),) for one in fact))
    if fact is None or fact == "":
        return "–"
    if isinstance(fact, str):
        return _moment(fact) or cut(fact, LONGEST)
    if isinstance(fact, Promise):
        return str(fact)
    if isinstance(fact, bool):
        return str(word("yes" if fact else "no"))
    if isinstance(fact, date):
        return day_told(fact)
    return cut(json.dumps(fact, ensure_ascii=False, cls=DjangoJSONEncoder), LONGEST)


def _moment(text: str) -> str:
    """A time as PostgreSQL wrote it, in the reader's zone; empty for anything else."""
    try:
        at = parse_datetime(text) if len(text) > 10 else None
    except ValueError:
        return ""
    return moment_told(at) if at is not None and at.tzinfo is not None else ""
