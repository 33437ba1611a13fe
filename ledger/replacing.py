"""A new number for a document whose number is void: what ``replaces=`` means, and which number a document has now.

The numbers of one document in one series are a chain: each replaces the void one before it, and only the last can be
valid. The trigger ``ledger_entry_fits`` and two unique indexes ensure that.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from ledger.allocation.interface import Request
from ledger.errors import InvalidDocument, NotReplaceable, UnknownNumber
from ledger.homes import find_at_home
from ledger.models import Entry, NumberVoided
from ledger.texts import shown


def current(entries: QuerySet[Entry]) -> QuerySet[Entry]:
    """Those of ``entries`` that no other number replaces: the number that each document has now."""
    later = Entry.objects.filter(tenant=OuterRef("tenant"), replaces=OuterRef("pk"))
    return entries.exclude(Exists(later))


def valid(entries: QuerySet[Entry]) -> QuerySet[Entry]:
    """Those of ``entries`` that aren't void."""
    return entries.exclude(Exists(NumberVoided.objects.filter(tenant=OuterRef("tenant"), entry=OuterRef("pk"))))


def replaced_by(entry: Entry) -> Entry | None:
    """The void number that ``entry`` replaces, or None."""
    if entry.replaces_id is None:
        return None
    return Entry.objects.using(entry._state.db).filter(tenant=entry.tenant, pk=entry.replaces_id).first()


def replacement_of(entry: Entry) -> Entry | None:
    """The number that replaces ``entry``, or None."""
    return Entry.objects.using(entry._state.db).filter(tenant=entry.tenant, replaces=entry.pk).first()


def void_entry(alias: str, request: Request, replaces: Any, documents: Collection[str]) -> Entry:
    """The void entry of one of ``documents`` that ``replaces`` means, an entry or its number.

    Raises InvalidDocument for anything else, UnknownNumber if the tenant has no such number, and NotReplaceable if the
    number is not void, has no document, or belongs to another document or series than ``request``.
    """
    if not isinstance(replaces, Entry | str):
        raise InvalidDocument(
            f"replaces={shown(replaces, 60)} is of type {type(replaces).__name__}.",
            rule="replaces takes a void number of the same document: its entry, or the number as text.",
            remedy="Pass replaces=entry, or replaces='INV-2026-000123'.",
        )
    number = replaces.number if isinstance(replaces, Entry) else replaces
    found = Entry.objects.using(alias).filter(tenant=request.tenant, number__iexact=number)
    look = found.select_related("series").first
    entry = find_at_home(alias, request.tenant, look) if number.isprintable() else None
    if entry is None or (isinstance(replaces, Entry) and entry.pk != replaces.pk):
        raise UnknownNumber(
            f"Tenant {request.tenant!r} has no number {number!r}.",
            rule="A number is replaced by one of the same tenant, series and document.",
            remedy="Pass the void number of this very document.",
        )
    problem = _problem(entry, request, documents)
    if problem is None and valid(found).exists():
        problem = "is not void"
    if problem is not None:
        raise NotReplaceable(
            f"The number {entry.number!r} can't be replaced here: it {problem}.",
            rule="A document gets a new number in a series when its own number there is void.",
            remedy="Void the document's own number first: void(number, reason=…). A number without a document needs no "
            "replacement: issue the next one.",
        )
    return entry


def _problem(entry: Entry, request: Request, documents: Collection[str]) -> str | None:
    if entry.series.code != request.series:
        return f"belongs to series {entry.series.code!r}"
    if not entry.document:
        return "was given to no document"
    if entry.document not in documents:
        return f"belongs to document {entry.document!r}"
    return None
