"""One number: finding it, every event about it in the order of writing, and the page that declares it void."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from ledger import models
from ledger.formats import MAX_VALUE
from ledger.localization import lazily as _, span_told, to_translate
from ledger.models import Entry, NumberVoided, Period
from ledger.replacing import replaced_by, replacement_of
from ledger.searching import find_entries
from ledger.web.access import Access, access_of, page
from ledger.web.confirming import Question, VoidForm, confirmed, void_as_said
from ledger.web.page import address, render_page
from ledger.web.query_string import Asked

#: How many hits of a search are listed.
_MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``at`` is when it was written, ``by`` who said or did it, ``text`` what they said.

    ``evidence`` is what else the ``row`` holds; ``transaction`` is the id of the one that wrote it, or None.
    """

    row: Any
    at: datetime | None
    kind: str
    title: Any
    by: str
    text: Any
    transaction: int | None
    evidence: Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """One value; ``state`` is a key of ``_MEANINGS``."""

    state: str
    meaning: str
    number: str
    entry: models.Entry | None
    adopted_gap: models.AdoptedGap | None
    events: tuple[Event, ...]
    #: The void number in whose place this one was given, and the one that was given in its place.
    replaces: models.Entry | None = None
    replaced_by: models.Entry | None = None


_MEANINGS = {
    to_translate("issued"): _("A document has this number."),
    to_translate("adopted"): _("A previous system gave this number to a document."),
    to_translate("void"): _("The number was declared void. It is never given again."),
    to_translate("gap"): _("No document has this value, and none ever will."),
    to_translate("reserved"): _("Kept for a checkout. It becomes a number or a gap."),
    to_translate("free"): _("Minted ahead. The next checkouts take it."),
    to_translate("left out"): _("A previous system gave this value to no document."),
    to_translate("lost"): _("Nothing is known of this value: rows were lost or tampered with."),
    to_translate("not used yet"): _("The counter has not reached this value."),
    to_translate("never used"): _("The counter of this period starts above this value."),
}


def story(period: models.Period, value: int, *, with_findings: bool) -> Story:
    """All that is known of a value of a period."""
    its_own = {"tenant": period.tenant, "period": period}
    entry = models.Entry.objects.filter(**its_own, value=value).first()
    left_out = models.AdoptedGap.objects.filter(**its_own, first_value__lte=value, last_value__gte=value).first()
    draft = models.DraftMade.objects.filter(**its_own, value=value).first()
    number = entry.number if entry else draft.number if draft else period.number_of(value)
    events = [*_before(period, value, draft)]
    if entry is not None:
        events += _of_entry(entry)
        if with_findings:
            events += _findings(entry)
        events += _there(entry)
    if left_out is not None:
        events += _left_out(left_out)
    if entry is None or entry.kind == models.Entry.Kind.GAP:
        events += _declared(period, value)
    state = _state(period, value, entry, left_out)
    ordered = sorted((event for event in events if event.at), key=lambda event: event.at)  # type: ignore[arg-type,return-value]
    replaces = replaced_by(entry) if entry is not None else None
    later = replacement_of(entry) if entry is not None else None
    if later is not None:
        facts = {_("number"): later.number, _("business date"): later.issued_on}
        ordered.append(_event(later, "issued_at", "issued", _("Its document got another number"), facts=facts))
    every = (*ordered, *(e for e in events if e.at is None))
    return Story(state, str(_MEANINGS[state]), number, entry, left_out, every, replaces, later)


def _state(period: models.Period, value: int, entry: models.Entry | None, left_out: models.AdoptedGap | None) -> str:
    if entry is not None:
        voided = models.NumberVoided.objects.filter(tenant=entry.tenant, entry=entry).exists()
        return "void" if voided else entry.kind
    its_own = {"tenant": period.tenant, "period": period, "value": value}
    if left_out is not None:
        return "left out"
    if models.Reservation.objects.filter(**its_own).exists():
        return "reserved"
    if models.Slot.objects.filter(**its_own).exists():
        return "free"
    if value < period.first_value:
        return "never used"
    return "lost" if value <= period.last_value else "not used yet"


def _event(row: Any, at: str, kind: str, title: Any, text: Any = "", facts: Mapping[Any, Any] | None = None) -> Event:
    """The event of a row. ``at`` names the column with its time; ``facts`` are its evidence by label."""
    by, transaction = getattr(row, "actor", ""), getattr(row, "transaction_id", None)
    return Event(row, getattr(row, at), kind, title, by, text, transaction, facts or {})


def _before(period: models.Period, value: int, draft: models.DraftMade | None) -> Iterator[Event]:
    its_own = {"tenant": period.tenant, "period": period, "value": value}
    if draft is not None:
        facts = {_("system"): draft.system, _("its key there"): draft.remote_id, _("reference"): draft.reference}
        yield _event(draft, "drafted_at", "progress", _("Drafted in the accounting system"), facts=facts)
        for gone in models.DraftCancelled.objects.filter(tenant=period.tenant, draft=draft):
            yield _event(gone, "cancelled_at", "void", _("Draft cancelled"), facts={_("state there"): gone.state})
    for kept in models.Reservation.objects.filter(**its_own):
        asked = {_("document"): kept.document, _("business date"): kept.issued_on}
        asked |= {_("asked for by transaction"): kept.checkout_transaction_id}
        yield _event(kept, "reserved_at", "progress", _("Reserved for a checkout"), facts=asked)
    for hole in models.HoleReported.objects.filter(**its_own):
        text = _("A free value below the highest number.")
        yield _event(hole, "reported_at", "progress", _("Seen as a hole"), text)
        for healed in models.HoleHealed.objects.filter(tenant=period.tenant, hole=hole):
            yield _event(healed, "healed_at", "issued", _("The hole has healed"))


def _of_entry(entry: models.Entry) -> Iterator[Event]:
    its_own = {"tenant": entry.tenant, "entry": entry}
    facts: dict[Any, Any]
    if entry.kind == models.Entry.Kind.GAP:
        yield _event(entry, "issued_at", "missing", _("Flagged as a gap"), facts=entry.metadata)
    else:
        facts = {_("document"): entry.document, _("business date"): entry.issued_on}
        facts |= {_("metadata"): entry.metadata} if entry.metadata else {}
        title = _("Issued")
        if entry.kind == models.Entry.Kind.ADOPTED:
            title = _("Issued by a previous system")
            where = {"tenant": entry.tenant, "series": entry.series_id, "transaction_id": entry.transaction_id}
            for adoption in models.Adoption.objects.filter(**where):
                yield _adopted(adoption)
        yield _event(entry, "issued_at", "issued", title, facts=facts)
    for voided in models.NumberVoided.objects.filter(**its_own):
        facts = {_("replaced by"): voided.replacement} if voided.replacement else {}
        yield _event(voided, "voided_at", "void", _("Declared void"), voided.reason, facts=facts)
    if (granted := entry.authorised_range) is not None:
        facts = {_("range"): granted.numbers, _("reference"): granted.reference}
        facts[_("valid to")] = granted.valid_to or _("no last day")
        facts |= {"ATCUD": entry.atcud} if entry.atcud else {}
        title = _("Authorised by %(authority)s") % {"authority": granted.authority}
        yield _event(granted, "authorised_at", "note", title, facts=facts)
    for told in models.NumberRegistered.objects.filter(**its_own):
        facts = {_("reference"): told.reference, **({"SHA-256": told.digest} if told.digest else {})}
        title = _("Registered with %(authority)s") % {"authority": told.authority}
        yield _event(told, "registered_at", "confirmed", title, facts=facts)
    for said in models.GapExplained.objects.filter(**its_own):
        yield _event(said, "explained_at", "note", _("Explained"), said.explanation)


def _left_out(gap: models.AdoptedGap) -> Iterator[Event]:
    yield _adopted(gap.adoption)
    for said in models.GapExplained.objects.filter(tenant=gap.tenant, adopted_gap=gap):
        facts = {_("of the values"): str(gap)}
        yield _event(said, "explained_at", "note", _("Explained"), said.explanation, facts=facts)


def _adopted(adoption: models.Adoption) -> Event:
    facts = {_("file"): adoption.source, "SHA-256": adoption.digest, _("numbers in it"): adoption.rows}
    return _event(adoption, "adopted_at", "note", _("History taken over"), facts=facts)


def _declared(period: models.Period, value: int) -> Iterator[Event]:
    its_own = {"tenant": period.tenant, "period": period}
    for told in models.GapDeclared.objects.filter(**its_own, first_value__lte=value, last_value__gte=value):
        facts = {_("values"): span_told(told.first_value, told.last_value), _("receipt"): told.reference}
        title = _("Declared to %(authority)s") % {"authority": told.authority}
        yield _event(told, "declared_at", "note", title, told.justification, facts=facts)


def _findings(entry: models.Entry) -> Iterator[Event]:
    for found in models.FindingRaised.objects.filter(tenant=entry.tenant, entry=entry):
        differs = {"system": found.system, "difference": found.get_kind_display()}
        title = _("Differs in %(system)s: %(difference)s") % differs
        yield _event(found, "raised_at", "missing", title, facts=found.facts)
        for said in found.acknowledgements.all():
            yield _event(said, "acknowledged_at", "note", _("Finding acknowledged"), said.reason)
        for over in found.resolutions.all():
            yield _event(over, "resolved_at", "confirmed", _("Finding resolved"))


def _there(entry: models.Entry) -> Iterator[Event]:
    """The documents of accounting systems with this number, as last read: evidence rather than events."""
    if entry.kind == models.Entry.Kind.GAP:
        return
    found = models.RemoteDocument.objects.filter(tenant=entry.tenant, number__iexact=entry.number).order_by("system")
    for there in found[:20]:
        facts = {_("its key there"): there.remote_id, _("date there"): there.issued_on, _("reference"): there.reference}
        title = _("Last seen in %(system)s: %(state)s") % {"system": there.system, "state": there.state}
        yield _event(there, "seen_at", "confirmed", title, facts=facts)


@page()
def find(request: HttpRequest, access: Access) -> HttpResponse:
    """Find numbers by their beginning, or documents by their whole key; a list if there are several."""
    tenant = access.chosen_tenant(request)
    term = Asked(request, "find").text("q")
    found: list[Entry] = []
    if term:
        entries = Entry.objects.filter(find_entries(term, tenant=tenant), tenant=tenant, series__tenant=tenant)
        found = list(entries.select_related("series", "period").order_by("number", "pk")[: _MOST_FOUND + 1])
    if len(found) == 1:
        return redirect("ledger:number", found[0].period_id, found[0].value)
    context = {"found": found[:_MOST_FOUND], "more": len(found) > _MOST_FOUND, "term": term}
    return render_page(request, access, "find.html", context, tenant=tenant, title=_("Find a number"))


@page()
def number(request: HttpRequest, access: Access, period: int, value: int) -> HttpResponse:
    found: Any = access.find(Period.objects.select_related("series"), pk=period)
    if value > MAX_VALUE:
        raise Http404
    told = story(found, value, with_findings=access_of(access.user, "view_findingraised").sees(found.tenant))
    gap = f"e{told.entry.pk}" if told.state == "gap" and told.entry is not None else ""
    if not gap and told.adopted_gap is not None:
        gap = f"a{told.adopted_gap.pk}"
    context = {
        "period": found,
        "series": found.series,
        "value": value,
        "story": told,
        "before": value - 1 if value > found.first_value else None,
        "after": value + 1 if value < found.last_value else None,
    }
    if told.state in ("issued", "adopted") and access.may("void_number"):
        context["void_url"] = address("void_number", period, value)
    if gap and access.may("explain_gap"):
        context["explain_url"] = address("explain_gaps", tenant=found.tenant, gap=gap)
    return render_page(request, access, "number.html", context, tenant=found.tenant, title=told.number)


@page(does="void_number")
def void_number(request: HttpRequest, access: Access, period: int, value: int) -> HttpResponse:
    found: Any = access.find(Period.objects.all(), pk=period)
    alias = router.db_for_write(NumberVoided)
    entry = Entry.objects.using(alias).filter(tenant=found.tenant, period=found, value=value).first()
    if entry is None:
        raise Http404

    def act(one: Entry, said: dict[str, Any]) -> NumberVoided:
        return void_as_said(request.user, one, said, alias)

    question = Question(
        title=_("Declare %(number)s void") % {"number": entry.number},
        warning=_("The number stays in the ledger and is never given again. This can't be taken back."),
        button=_("Declare it void"),
        back=address("number", period, value),
    )
    whose = {"tenant": found.tenant, "alias": alias, "turn": "void"}
    return confirmed(request, access, question, [entry], act, **whose, form_class=VoidForm)
