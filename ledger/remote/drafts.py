"""The life of a draft: it is stored as a slot, withdrawn, found for its entry, or listed because nobody used it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import router, transaction

from ledger.cursors import fetch, fetch_value, stream
from ledger.databases import query_scope
from ledger.keys import actor_name
from ledger.models import DraftCancelled, DraftMade, Entry, Period, Series
from ledger.models.series import NUMBER_LENGTH
from ledger.remote import sql
from ledger.remote.pools import CLAIM_LASTS, Claim, Need

#: The longest reference that all accounting systems take: ERPNext's po_no has 140 characters.
_REFERENCE_LENGTH = 100

#: The columns of a draft that are read here, in their order.
_COLUMNS = ("id", "tenant", "period_id", "value", "number", "system", "remote_id", "reference", "drafted_at")


@dataclass(frozen=True, slots=True)
class Unused:
    """A draft that no document has or will get; ``draft`` has no more than what ``as_dict`` tells.

    ``cause`` says why; ``said`` is the state that the accounting system gave when it was withdrawn, or empty.
    """

    draft: DraftMade
    series: str
    starts_on: date
    ends_on: date
    cause: str
    said: str

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON, in one level."""
        draft = {name.replace("period_id", "period"): getattr(self.draft, name) for name in _COLUMNS}
        return draft | {each.name: getattr(self, each.name) for each in fields(self) if each.name != "draft"}


def reference(tenant: str, series: str, starts_on: date, ordinal: int) -> str:
    """The reference of the draft at that place, by which the next worker finds the draft of a killed one.

    It depends on the place alone. Names that are too long for an accounting system are shortened to a digest.
    """
    name = f"{tenant}/{series}" if tenant else series
    text = f"slot:{name}:{starts_on}:{ordinal}"
    if len(text) > _REFERENCE_LENGTH:
        digest = hashlib.sha256(name.encode()).hexdigest()[:24]
        text = f"slot:{digest}:{starts_on}:{ordinal}"
    return text


def store(
    claim: Claim,
    need: Need,
    *,
    ordinal: int,
    remote_id: str,
    number: str,
    refusal: str = "",
    borne: str | None = None,
    using: str | None = None,
) -> str:
    """Keep a draft that was made under the claim: its number becomes that of the counter's next value, which is free.

    ``borne`` is the reference that the draft has there, if somebody else made it; empty if it is unknown.

    Returns "stored"; "there" if it was stored before; "refused" if its number can't be taken, because of ``refusal`` or
    of the ledger's entries: then it is kept without a value; "claim_lost" if nothing was kept. One short transaction:
    the network was asked before.
    """
    alias = using or router.db_for_write(DraftMade)
    series = claim.series
    ours = reference(series.tenant, series.code, need.starts_on, ordinal)
    arguments: list[Any] = [
        *(series.tenant, series.pk, need.period, claim.token, CLAIM_LASTS, ordinal),
        *(remote_id, number[:NUMBER_LENGTH], ours if borne is None else borne, refusal),
    ]
    return str(fetch_value(alias, sql.STORE, arguments))


def free_drafts(claim: Claim, *, using: str | None = None) -> list[DraftMade]:
    """The drafts of the series that are free, or held by checkouts at the moment, oldest first."""
    alias = using or router.db_for_write(DraftMade)
    arguments: dict[str, Any] = {"tenant": claim.series.tenant, "series": claim.series.pk, "system": claim.system}
    return [DraftMade.from_db(alias, _COLUMNS, row) for row in fetch(alias, sql.FREE, arguments)]


def withdraw(draft: DraftMade, said: Mapping[str, Any], *, by: Any = "refill", using: str | None = None) -> str:
    """Take a free draft out of the pool, as a flagged gap with what the accounting system ``said`` as evidence.

    Returns "withdrawn"; "in_flight" if a checkout holds it and keeps it until the next look; "settled" if it isn't free
    any more.
    """
    alias = using or router.db_for_write(DraftMade)
    evidence = json.dumps(dict(said), cls=DjangoJSONEncoder)
    with transaction.atomic(using=alias):
        place = [draft.tenant, draft.period_id, draft.value]
        return str(fetch_value(alias, sql.WITHDRAW, [*place, evidence, actor_name(by)]))


def draft_of(entry: Entry, *, using: str | None = None) -> DraftMade | None:
    """The draft whose number the entry has, which ``push`` must complete there; None if the number is no draft's."""
    alias = using or entry._state.db or router.db_for_read(DraftMade)
    made = DraftMade.objects.using(alias).filter(tenant=entry.tenant, period=entry.period_id, value=entry.value)
    return made.first()


def unused(
    system: str,
    *,
    tenant: str | None = None,
    series: Series | str | None = None,
    day: date | None = None,
    using: str | None = None,
) -> Iterator[Unused]:
    """Drafts of ``system`` that no document has or will get, and that are not cancelled there yet; oldest first.

    Their period was closed, they were withdrawn, or their number could not be taken. ``day`` picks the periods that
    hold it.
    """
    tenant, series, using = query_scope(None, tenant, series, using)
    alias = using or router.db_for_read(DraftMade)
    arguments = {"system": system, "tenant": tenant, "series": series, "day": day}
    for code, starts_on, ends_on, cause, said, *draft in stream(alias, sql.UNUSED, arguments):
        yield Unused(DraftMade.from_db(alias, _COLUMNS, draft), code, starts_on, ends_on, cause, said)


def note_cancelled(draft: DraftMade, *, state: str, by: Any = None, using: str | None = None) -> None:
    """Record that the draft is void or deleted there; a second call changes nothing."""
    alias = using or router.db_for_write(DraftCancelled)
    fetch(alias, sql.CANCEL, [draft.tenant, draft.id, state, actor_name(by)])


def keep_stray(
    period: Period, *, ordinal: int, system: str, remote_id: str, number: str, using: str | None = None
) -> DraftMade:
    """Record a draft that a worker made before it was killed, and that its period no longer needs."""
    alias = using or router.db_for_write(DraftMade)
    ours = reference(period.tenant, period.series.code, period.starts_on, ordinal)
    stray = [ordinal, system, remote_id, number[:NUMBER_LENGTH], ours]
    fetch(alias, sql.KEEP_STRAY, [period.tenant, period.pk, *stray])
    return DraftMade.objects.using(alias).get(tenant=period.tenant, system=system, remote_id=remote_id)
