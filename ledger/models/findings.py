"""Findings of reconciliation: events. One is raised once, may be acknowledged, and is resolved at most once."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from ledger.models.columns import Event, ShortTextField, key, written_at
from ledger.models.events import Entry
from ledger.models.readable import FactsField
from ledger.models.remote import REMOTE_LENGTH


class FindingKind(models.TextChoices):
    """What can differ. Everything is compared by number, without regard to case.

    *Here* are the entries of the series that the system is set up for; *there* the documents of the mirror. A document
    there *bears* its number when it is posted or void; a draft does not, and counts for nothing. A number here *lives*
    when it is issued or adopted, and not void. Our document is known there by its reference.

    ``MISSING``: it lives here, and nothing there bears it, nor was it deleted there, nor has its document another
    number there. Only after the grace, counted from its issue to the beginning of the last complete reading; and until
    the system is read in full, only if it was issued after the time from which the system was read.

    ``UNKNOWN``: borne there, and no entry of the tenant has it in any series; unless the document counts as
    OTHER_NUMBER. With ``"foreign": "ignore"`` only if the number fits a period of the series.

    ``VOID_THERE``: it lives here; there it is borne by void documents alone.

    ``VOID_HERE``: it is void here, and posted there: by our document, or with no dead document there that was ours.

    ``DUPLICATE``: an issued or adopted number that two or more posted documents bear; if the system never gives the
    number of a dead document again, void ones count too.

    ``OTHER_NUMBER``: it lives here, a posted document there has our document for a reference and another number, which
    is not that of another entry for the same document; and nothing there bears our number for our document, or without
    a reference.

    ``OTHER_PERIOD``: a document there that bears the number has a date outside the period of its entry.

    ``DELETED``: it lives here; a document of that number was deleted there, and nothing bears it now.

    ``REUSED``: an issued or adopted number that a posted document bears, and a dead one bore: a deleted one, or, if the
    system gives the number of a void document again, a void one.

    ``GAP``: flagged here as a gap, and borne there by a posted document.

    ``OTHER_DOCUMENT``: it lives here and is posted there, and no document that bears it there is ours: we pushed
    another one, or, if we pushed none, each has another reference than ours (if both have one).

    ``OTHER_AMOUNT``: it lives here, and our document that bears it there has another amount (to the smallest unit of
    its currency), currency or customer than the ``describe`` hook gave.

    ``OTHER_SPELLING``: it lives here, nothing posted there bears it nor our document has another one, and numbers there
    that no entry here has read the same, except for blanks, kinds of dash, ``#``, leading zeros, case, or an
    amendment's ``-1`` at the end. It stands for MISSING, VOID_THERE or DELETED, and for the UNKNOWN of each of these.

    ``NO_DOCUMENT``: it lives here, and its document, a row of one of the project's own models, is gone; the system is
    that model, and no accounting system. The sweep ``missing_documents`` reports it.
    """

    MISSING = "missing", "missing there"
    UNKNOWN = "unknown", "unknown here"
    VOID_THERE = "void-there", "void there, not here"
    VOID_HERE = "void-here", "void here, not there"
    DUPLICATE = "duplicate", "duplicate there"
    OTHER_NUMBER = "other-number", "same document, another number there"
    OTHER_PERIOD = "other-period", "dated in another period there"
    DELETED = "deleted", "deleted there"
    REUSED = "reused", "reused there after its document died"
    GAP = "gap", "a gap here, in use there"
    OTHER_DOCUMENT = "other-document", "another document there"
    OTHER_AMOUNT = "other-amount", "another amount there"
    OTHER_SPELLING = "other-spelling", "spelled differently there"
    NO_DOCUMENT = "no-document", "its document is gone"


class FindingRaised(Event):
    """A comparison saw that ledger and accounting system differ in a number; ``facts`` has what both sides said then.

    ``subject`` is the number in upper case. While it is open, it is not raised again; after it was resolved it may be,
    as the next ``occurrence``. ``number`` is that of the entry, or of the remote document if there is no entry.
    """

    system = key()
    kind = ShortTextField(max_length=16, choices=FindingKind.choices)
    subject = models.TextField()
    occurrence = models.IntegerField(default=1)
    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    number = ShortTextField(max_length=REMOTE_LENGTH)
    document = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="")
    facts = FactsField(default=dict, encoder=DjangoJSONEncoder)
    raised_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "findings raised"
        permissions: ClassVar = [("acknowledge_finding", "Can acknowledge a finding")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "system", "kind", "subject", "occurrence"], name="ledger_findingraised_once"
            ),
            models.CheckConstraint(condition=models.Q(occurrence__gte=1), name="ledger_findingraised_counts"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "system", "subject"], name="ledger_findingraised_subject")]

    def __str__(self) -> str:
        return f"{self.number}: {self.get_kind_display()} ({self.system})"


class FindingResolved(Event):
    """A later comparison no longer saw the finding."""

    finding = models.ForeignKey(FindingRaised, on_delete=models.PROTECT, related_name="resolutions")
    resolved_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "findings resolved"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "finding"], name="ledger_findingresolved_once")
        ]

    def __str__(self) -> str:
        return f"{self.finding} resolved"


class FindingAcknowledged(Event):
    """Somebody knows of the finding and says why it may stand. A later one adds to it."""

    finding = models.ForeignKey(FindingRaised, on_delete=models.PROTECT, related_name="acknowledgements")
    reason = models.TextField()
    actor = key(blank=True, default="")
    acknowledged_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "findings acknowledged"
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_findingacknowledged_of")]

    def __str__(self) -> str:
        return self.reason
