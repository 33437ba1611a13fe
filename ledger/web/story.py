"""The story of one value: every event that speaks of it, in the order in which they were written, with evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.models import (
    AdoptedGap,
    Adoption,
    DraftCancelled,
    DraftMade,
    Entry,
    FindingRaised,
    GapDeclared,
    GapExplained,
    HoleHealed,
    HoleReported,
    NumberRegistered,
    NumberVoided,
    Period,
    RemoteDocument,
    Reservation,
    Slot,
)
from ledger.replacing import replaced_by, replacement_of
from ledger.words import lazily as _
from ledger.words import marked, span_told


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``at`` is when it was written, ``by`` who said or did it, ``text`` what they said.

    ``evidence`` is what else the row holds; ``transaction`` the id of the one that wrote it, or None.
    """

    at: datetime | None
    kind: str
    title: Any
    by: str = ""
    text: Any = ""
    transaction: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """One value: ``state`` is a key of ``_MEANINGS``, which say what each one means."""

    state: str
    meaning: str
    number: str
    entry: Entry | None
    adopted_gap: AdoptedGap | None
    events: tuple[Event, ...]
    #: The void number in whose place this one was given, and the one that was given in its place.
    replaces: Entry | None = None
    replaced_by: Entry | None = None


_MEANINGS = {
    marked("issued"): _("A document has this number."),
    marked("adopted"): _("A previous system gave this number to a document."),
    marked("void"): _("The number was declared void. It is never given again."),
    marked("gap"): _("No document bears this value, and none ever will."),
    marked("reserved"): _("Kept for a checkout. It becomes a number or a gap."),
    marked("free"): _("Minted ahead. The next checkouts take it."),
    marked("left out"): _("A previous system gave this value to no document."),
    marked("lost"): _("Nothing is known of this value: rows were lost or tampered with."),
    marked("not used yet"): _("The counter has not come to this value."),
    marked("never used"): _("The counter of this period starts above this value."),
}


def story(period: Period, value: int, *, with_findings: bool) -> Story:
    """All that is known of a value of a period."""
    its_own = {"tenant": period.tenant, "period": period}
    entry = Entry.objects.filter(**its_own, value=value).first()
    left_out = AdoptedGap.objects.filter(**its_own, first_value__lte=value, last_value__gte=value).first()
    draft = DraftMade.objects.filter(**its_own, value=value).first()
    number = entry.number if entry else draft.number if draft else period.number_of(value)
    events = [*_before(period, value, draft)]
    if entry is not None:
        events += _of_entry(entry)
        if with_findings:
            events += _findings(entry)
        events += _there(entry)
    if left_out is not None:
        events += _left_out(left_out)
    if entry is None or entry.kind == Entry.Kind.GAP:
        events += _declared(period, value)
    state = _state(period, value, entry, left_out)
    ordered = sorted((event for event in events if event.at), key=lambda event: event.at)  # type: ignore[arg-type,return-value]
    replaces = replaced_by(entry) if entry is not None else None
    later = replacement_of(entry) if entry is not None else None
    if later is not None:
        facts = {_("number"): later.number, _("business date"): later.issued_on}
        title = _("Its document got another number")
        ordered.append(Event(later.issued_at, "issued", title, later.actor, "", later.transaction_id, facts))
    every = (*ordered, *(e for e in events if e.at is None))
    return Story(state, str(_MEANINGS[state]), number, entry, left_out, every, replaces, later)


def _state(period: Period, value: int, entry: Entry | None, left_out: AdoptedGap | None) -> str:
    if entry is not None:
        void = NumberVoided.objects.filter(tenant=entry.tenant, entry=entry).exists()
        return "void" if void else entry.kind
    its_own = {"tenant": period.tenant, "period": period, "value": value}
    if left_out is not None:
        return "left out"
    if Reservation.objects.filter(**its_own).exists():
        return "reserved"
    if Slot.objects.filter(**its_own).exists():
        return "free"
    if value < period.first_value:
        return "never used"
    return "lost" if value <= period.last_value else "not used yet"


def _before(period: Period, value: int, draft: DraftMade | None) -> Iterator[Event]:
    its_own = {"tenant": period.tenant, "period": period, "value": value}
    if draft is not None:
        facts = {_("system"): draft.system, _("its key there"): draft.remote_id, _("reference"): draft.reference}
        yield Event(
            draft.drafted_at,
            "progress",
            _("Drafted in the accounting system"),
            transaction=draft.transaction_id,
            evidence=facts,
        )
        for gone in DraftCancelled.objects.filter(tenant=period.tenant, draft=draft):
            facts = {_("state there"): gone.state}
            yield Event(gone.cancelled_at, "void", _("Draft cancelled"), gone.actor, "", gone.transaction_id, facts)
    for kept in Reservation.objects.filter(**its_own):
        asked: dict[str, Any] = {
            _("document"): kept.document,
            _("business date"): kept.issued_on,
            _("asked for by transaction"): kept.checkout_transaction_id,
        }
        yield Event(kept.reserved_at, "progress", _("Reserved for a checkout"), kept.actor, evidence=asked)
    for hole in HoleReported.objects.filter(**its_own):
        yield Event(
            hole.reported_at,
            "progress",
            _("Seen as a hole"),
            text=_("A free value below the highest number."),
            transaction=hole.transaction_id,
        )
        for healed in HoleHealed.objects.filter(tenant=period.tenant, hole=hole):
            yield Event(healed.healed_at, "issued", _("The hole has healed"), transaction=healed.transaction_id)


def _of_entry(entry: Entry) -> Iterator[Event]:
    if entry.kind == Entry.Kind.GAP:
        yield Event(
            entry.issued_at, "missing", _("Flagged as a gap"), entry.actor, "", entry.transaction_id, entry.metadata
        )
    else:
        facts = {
            _("document"): entry.document,
            _("business date"): entry.issued_on,
            **_nested(_("metadata"), entry.metadata),
        }
        title = _("Issued")
        if entry.kind == Entry.Kind.ADOPTED:
            title = _("Issued by a previous system")
            its_own = {"tenant": entry.tenant, "series": entry.series_id, "transaction_id": entry.transaction_id}
            for adoption in Adoption.objects.filter(**its_own):
                yield _adopted(adoption)
        yield Event(entry.issued_at, "issued", title, entry.actor, "", entry.transaction_id, facts)
    for void in NumberVoided.objects.filter(tenant=entry.tenant, entry=entry):
        facts = {_("replaced by"): void.replacement} if void.replacement else {}
        yield Event(void.voided_at, "void", _("Declared void"), void.actor, void.reason, void.transaction_id, facts)
    if (granted := entry.authorised_range) is not None:
        facts = {
            _("range"): granted.numbers,
            _("reference"): granted.reference,
            _("valid to"): granted.valid_to or _("no last day"),
        }
        if entry.atcud:
            facts["ATCUD"] = entry.atcud
        title = _("Authorised by %(authority)s") % {"authority": granted.authority}
        yield Event(granted.authorised_at, "note", title, granted.actor, "", granted.transaction_id, facts)
    for told in NumberRegistered.objects.filter(tenant=entry.tenant, entry=entry):
        facts = {_("reference"): told.reference, **({"SHA-256": told.digest} if told.digest else {})}
        title = _("Registered with %(authority)s") % {"authority": told.authority}
        yield Event(told.registered_at, "confirmed", title, told.actor, "", told.transaction_id, facts)
    for said in GapExplained.objects.filter(tenant=entry.tenant, entry=entry):
        yield Event(said.explained_at, "note", _("Explained"), said.actor, said.explanation, said.transaction_id)


def _left_out(gap: AdoptedGap) -> Iterator[Event]:
    yield _adopted(gap.adoption)
    for said in GapExplained.objects.filter(tenant=gap.tenant, adopted_gap=gap):
        facts = {_("of the values"): str(gap)}
        yield Event(said.explained_at, "note", _("Explained"), said.actor, said.explanation, said.transaction_id, facts)


def _adopted(adoption: Adoption) -> Event:
    facts = {_("file"): adoption.source, "SHA-256": adoption.digest, _("numbers in it"): adoption.rows}
    return Event(
        adoption.adopted_at, "note", _("History taken over"), adoption.actor, "", adoption.transaction_id, facts
    )


def _declared(period: Period, value: int) -> Iterator[Event]:
    found = GapDeclared.objects.filter(
        tenant=period.tenant, period=period, first_value__lte=value, last_value__gte=value
    )
    for told in found:
        facts = {_("values"): span_told(told.first_value, told.last_value), _("receipt"): told.reference}
        title = _("Declared to %(authority)s") % {"authority": told.authority}
        yield Event(told.declared_at, "note", title, told.actor, told.justification, told.transaction_id, facts)


def _findings(entry: Entry) -> Iterator[Event]:
    for found in FindingRaised.objects.filter(tenant=entry.tenant, entry=entry):
        title = _("Differs in %(system)s: %(difference)s") % {
            "system": found.system,
            "difference": found.get_kind_display(),
        }
        yield Event(found.raised_at, "missing", title, "", "", found.transaction_id, found.facts)
        for said in found.acknowledgements.all():
            yield Event(
                said.acknowledged_at, "note", _("Finding acknowledged"), said.actor, said.reason, said.transaction_id
            )
        for over in found.resolutions.all():
            yield Event(over.resolved_at, "confirmed", _("Finding resolved"), transaction=over.transaction_id)


def _there(entry: Entry) -> Iterator[Event]:
    """What accounting systems have under this number, as they were read last: no event, but evidence."""
    if entry.kind == Entry.Kind.GAP:
        return
    for there in RemoteDocument.objects.filter(tenant=entry.tenant, number__iexact=entry.number).order_by("system")[
        :20
    ]:
        facts = {_("its key there"): there.remote_id, _("date there"): there.issued_on, _("reference"): there.reference}
        yield Event(
            there.seen_at,
            "confirmed",
            _("Last seen in %(system)s: %(state)s") % {"system": there.system, "state": there.state},
            evidence=facts,
        )


def _nested(name: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts} if facts else {}
