"""The authority's own reference of a number, such as a KSeF number, an IRN, a CUFE or an ATCUD: an event beside it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import DatabaseError, router, transaction

from ledger import sql
from ledger.cursors import fetch, fetch_value
from ledger.database_errors import not_granted, retry
from ledger.databases import database_of, expect, same_row
from ledger.errors import LedgerError, RegistrationError
from ledger.homes import database_for, find_at_home
from ledger.keys import actor_name, check_text, tenant_key
from ledger.models import Entry, NumberRegistered
from ledger.texts import shown

_AUTHORITY_LENGTH = 60
_BATCH = 1000
_CHECK, _UNIQUE = "23514", "23505"

# The entry of each number, in the order of the numbers, without regard to case; null for a number without a document.
_ENTRIES = """
    SELECT e.id
    FROM unnest(%(numbers)s::text[]) WITH ORDINALITY AS w (number, place)
    LEFT JOIN ledger_entry e ON e.tenant = %(tenant)s AND upper(e.number) = upper(w.number) AND e.kind <> 'gap'
    ORDER BY w.place
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """A number, the authority's reference for it, and the SHA-256 of what was sent, or an empty text."""

    number: str
    reference: str
    digest: str = ""


def add_reference(
    number: Entry | str,
    *,
    authority: str,
    reference: str,
    digest: str = "",
    by: Any = None,
    org: Any = None,
    using: str | None = None,
) -> NumberRegistered:
    """Append NumberRegistered for an issued or adopted number, and return it; the same again returns the first.

    ``number`` is the entry, or its text together with the tenant as ``org``. ``reference`` is the ``authority``'s name
    for it; rules that ask for it name the authority, such as ``"PL KSeF"``. ``digest`` is the SHA-256 of what was sent,
    in hexadecimal. ``by`` names who noted it; ``using`` is as in ``issue``. Works in the caller's transaction, and in a
    closed period too.

    Raises RegistrationError if there is no such number, if it has another reference of that authority, or if another
    number has this reference.
    """
    expect(number, (Entry, str), "number", "Pass the entry, or add_reference('INV-2026-000123', org=shop, …).")
    alias = database_of(number, NumberRegistered, using, org=org)
    if isinstance(number, Entry):
        same_row(number, alias)
    tenant, text = (number.tenant, number.number) if isinstance(number, Entry) else (tenant_key(org), number)
    add_references([Reference(text, reference, digest)], authority=authority, by=by, org=tenant, using=alias)
    found = NumberRegistered.objects.using(alias).filter(tenant=tenant, authority=authority)
    return found.select_related("entry").get(entry__number__iexact=text)


def add_references(
    references: Iterable[Reference], *, authority: str, by: Any = None, org: Any = None, using: str | None = None
) -> int:
    """``add_reference`` for many numbers of one tenant, all or none; returns how many of them are new."""
    alias = database_for(org, using) or router.db_for_write(NumberRegistered)
    tenant, actor = tenant_key(org), actor_name(by)
    check_text(authority, RegistrationError, "The authority ", longest=_AUTHORITY_LENGTH)
    added = 0
    with transaction.atomic(using=alias):
        checked = _checked(references)
        while batch := list(islice(checked, _BATCH)):
            entries = _entries(batch, tenant, alias)
            lists = [[one.reference for one in batch], [one.digest for one in batch]]
            try:
                with transaction.atomic(using=alias):
                    added += fetch_value(alias, sql.ADD_REFERENCES, [tenant, entries, authority, *lists, actor])
            except DatabaseError as error:
                ours = not_granted(error, "a registration needs") or retry(error.__cause__, f"of {authority!r}")
                if (ours := ours or _ours(error, authority)) is None:
                    raise
                raise ours from error
    return added


def _checked(references: Iterable[Reference]) -> Iterator[Reference]:
    for one in references:
        check_text(one.number, RegistrationError, "The number ")
        check_text(one.reference, RegistrationError, f"The reference of {one.number!r} ")
        digest: Any = one.digest
        if not isinstance(digest, str) or re.fullmatch(r"([0-9a-f]{64})?", digest) is None:
            raise RegistrationError(
                f"The digest {shown(digest, 80)} of {one.number!r} is no SHA-256.",
                rule="A digest is a SHA-256: 64 digits of 0 to 9 and a to f.",
                remedy="Pass hashlib.sha256(payload).hexdigest(), or leave it out.",
            )
        yield one


def _entries(batch: Iterable[Reference], tenant: str, alias: str) -> list[int]:
    """The ids of the entries, in that order."""
    numbers = [one.number for one in batch]

    def look() -> list[Any] | None:
        found[:] = [row[0] for row in fetch(alias, _ENTRIES, {"tenant": tenant, "numbers": numbers})]
        return None if None in found else found

    found: list[Any] = []
    ids = find_at_home(alias, tenant, look)
    if ids is None:
        raise RegistrationError(
            f"Tenant {tenant!r} has no number {numbers[found.index(None)]!r}.",
            rule="An authority knows numbers that were issued or adopted; a gap has no document.",
            remedy="Check the number and its tenant (org=, --tenant).",
        )
    return ids


def _ours(error: DatabaseError, authority: str) -> LedgerError | None:
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state == _UNIQUE:
        return RegistrationError(
            f"Two numbers would have one reference of {authority}. {cause.diag.message_detail or ''}",
            rule="An authority's reference belongs to one number.",
            remedy="Find out which of them it belongs to; the other is in the ledger already, or twice in the file.",
        )
    if state == _CHECK:
        return RegistrationError(
            f"{authority}: {cause.diag.message_primary}.",
            rule="What an authority said of a number never changes.",
            remedy="Leave the number out, or correct its reference.",
        )
    return None
