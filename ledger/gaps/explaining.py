"""Explaining a gap: an event that says why no document bears the value. A later one adds to it."""

from __future__ import annotations

from typing import Any

from django.db import connections

from ledger.database_errors import told_in_our_words
from ledger.databases import database_of
from ledger.errors import GapError
from ledger.gaps import sql
from ledger.keys import actor_name, reason_text, tenant_key
from ledger.models import AdoptedGap, Entry, GapExplained
from ledger.sql import EXPLAIN


def explain(
    gap: Entry | AdoptedGap | str,
    *,
    explanation: str,
    by: Any = None,
    org: Any = None,
    using: str | None = None,
) -> GapExplained:
    """Append GapExplained for a gap, and return it.

    ``gap`` is a GapFlagged entry, a range of an adopted history, or the text of the missing number together with the
    tenant as ``org``. ``explanation`` is what an auditor will read, ``by`` who says so; when is the database's clock.

    Raises GapError where there is no such gap, and InvalidReason.
    """
    alias = database_of(gap, GapExplained, using)
    text, actor = reason_text(explanation), actor_name(by)
    found = _find(gap, tenant_key(org), alias) if isinstance(gap, str) else gap
    if isinstance(found, Entry) and found.kind != Entry.Kind.GAP:
        raise GapError(
            f"The number {found.number!r} of tenant {found.tenant!r} is {found.kind}, so it is no gap.",
            rule="An explanation belongs to a value that no document bears.",
            remedy="If the number is not valid any more, void it.",
        )
    entries = [found.pk] if isinstance(found, Entry) else []
    ranges = [found.pk] if isinstance(found, AdoptedGap) else []
    with told_in_our_words("of this gap", wanted="an explanation needs"), connections[alias].cursor() as cursor:
        cursor.execute(EXPLAIN, [found.tenant, entries, ranges, text, actor])
        return GapExplained.objects.using(alias).get(pk=cursor.fetchone()[0])


def _find(number: str, tenant: str, alias: str) -> Entry | AdoptedGap:
    entry = Entry.objects.using(alias).filter(tenant=tenant, number__iexact=number).first()
    if entry is not None:
        return entry
    adopted = _adopted(number, tenant, alias)
    if adopted is not None:
        return adopted
    raise GapError(
        f"Tenant {tenant!r} has no gap {number!r}.",
        rule="A gap is explained once a sweep has proven it, or when it was adopted.",
        remedy="See manage.py ledger_gaps for what is open; manage.py ledger_gaps sweep flags what no checkout holds.",
    )


def _adopted(number: str, tenant: str, alias: str) -> AdoptedGap | None:
    """The adopted range in which a number of that text would lie."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql.ADOPTED_GAP, {"tenant": tenant, "number": number})
        row = cursor.fetchone()
    return None if row is None else AdoptedGap.objects.using(alias).get(pk=row[0])
