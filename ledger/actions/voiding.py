"""Declaring a number void: an event that points to it. The number stays in the ledger and is never given again."""

from typing import Any

from ledger import homes, refusals, sql
from ledger.cursors import fetch_value
from ledger.database_errors import translate_database_errors
from ledger.databases import database_of, expect, same_row
from ledger.errors import AlreadyVoided, UnknownNumber
from ledger.keys import actor_name, document_key, reason_text, tenant_key
from ledger.models import Entry, NumberVoided, Series


def void(
    number: Entry | str,
    *,
    reason: str,
    by: Any = None,
    replacement: Any = None,
    org: Any = None,
    using: str | None = None,
) -> NumberVoided:
    """Append NumberVoided for an issued or adopted number, and return it.

    ``number`` is the entry, or its text together with the tenant as ``org``. ``reason`` is what an auditor will read,
    ``by`` who decided, ``replacement`` the document or number that takes its place; ``using`` is as in ``issue``. Works
    in the caller's transaction, and in a closed period too, since it adds no number. The same call again by the same
    person returns the first event.

    Raises UnknownNumber if there is no such issued number, AlreadyVoided if it is void for another reason, and
    InvalidReason.
    """
    expect(number, (Entry, str), "number", "Pass the entry, or void('INV-2026-000123', org=shop, reason='…').")
    alias = database_of(number, NumberVoided, using, org=org)
    why, actor = reason_text(reason), actor_name(by)
    instead = replacement.number if isinstance(replacement, Entry) else document_key(replacement)
    if isinstance(number, str):
        entry = _find(number, tenant_key(org), alias)
    else:
        entry = number
        if "number" in entry.get_deferred_fields():
            entry.refresh_from_db()  # at_commit: only a number that exists can be void, so it is numbered now
        same_row(entry, alias)
    if entry.kind == Entry.Kind.GAP:
        raise UnknownNumber(
            f"The value {entry.value} of tenant {entry.tenant!r} is no issued number.",
            rule="A void names one number that was issued or adopted; a gap has none.",
            remedy="Explain the gap instead.",
        )
    with translate_database_errors("of this number", wanted="a void needs"):
        event = fetch_value(alias, sql.VOID, [entry.tenant, entry.pk, why, instead, actor])
    if event is not None:
        return NumberVoided.objects.using(alias).get(pk=event)
    earlier = NumberVoided.objects.using(alias).filter(tenant=entry.tenant, entry=entry.pk).first()
    if earlier is None or (earlier.reason, earlier.replacement, earlier.actor) != (why, instead, actor):
        told = ""
        if earlier is not None:
            zone = Series.objects.using(alias).values_list("time_zone", flat=True).get(pk=entry.series_id)
            told = refusals.void_details(earlier, zone)
        raise AlreadyVoided(
            f"The number {entry.number!r} is void{told}.",
            rule="There is at most one void for a number, and it never changes.",
            remedy="There is nothing to do. For a new number of the same document: issue(…, document=…, replaces=…).",
        )
    earlier.repeated = True
    return earlier


def _find(number: str, tenant: str, alias: str) -> Entry:
    # Without regard to case, as numbers are unique; __iexact compares upper cases, which is what the index holds.
    entries = Entry.objects.using(alias).filter(tenant=tenant, number__iexact=number)
    entry = homes.find_at_home(alias, tenant, entries.first) if number.isprintable() else None
    if entry is None:
        raise UnknownNumber(
            f"Tenant {tenant!r} has no number {number!r}.",
            rule="A void names one number that was issued or adopted.",
            remedy="Check the number and pass its tenant: void('INV-2026-000123', org=shop, reason='…').",
        )
    return entry
