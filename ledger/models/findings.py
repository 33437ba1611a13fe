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

    *Here* is the ledger: the entries of the series that the system is set up for. *There* is the accounting system, as
    the mirror has it; its drafts don't count. A number here is *valid* if it is issued or adopted, and not void. Our
    document is known there by its reference.

    ``MISSING``: valid here; no document there has it, none that had it was deleted, and our document has no other
    number there. It counts only after the grace period, from its issue to the beginning of the last complete reading.
    Until the system has been read in full, the number must also be issued after the time from which it was read.

    ``UNKNOWN``: a document there has it, and no entry of the tenant in any series; unless that document counts as
    OTHER_NUMBER. With ``"foreign": "ignore"`` only if the number fits a period of the series.

    ``VOID_THERE``: valid here; there only void documents have it.

    ``VOID_HERE``: void here and posted there, by our document, or if no void or deleted document there was ours.

    ``DUPLICATE``: issued or adopted here, and two or more posted documents there have it. Void ones count too, if the
    system never gives the number of a void or deleted document again.

    ``OTHER_NUMBER``: valid here; a posted document there has our document as its reference, and another number, which
    is not that of another entry for the same document. No document there has our number with our reference, or with
    none.

    ``OTHER_PERIOD``: a document there with this number has a date outside the period of its entry.

    ``DELETED``: valid here; a document there with this number was deleted, and none has it now.

    ``REUSED``: issued or adopted here; a posted document there has it, and a deleted one had it before; or a void one,
    if the system gives the number of a void document again.

    ``GAP``: a gap here, and a posted document there has it.

    ``OTHER_DOCUMENT``: valid here and posted there, and no document there with this number is ours: we pushed another
    one; or we pushed none, and each has another reference than ours (if both have one).

    ``OTHER_AMOUNT``: valid here; our document there with this number has another amount (to the smallest unit of its
    currency), currency or customer than the ``describe`` hook gave.

    ``OTHER_SPELLING``: valid here; no posted document there has it, and our document has no other number there. But
    numbers there that no entry here has read the same, except for spaces, kinds of dash, ``#``, leading zeros, case, or
    an amendment's ``-1`` at the end. It stands for MISSING, VOID_THERE or DELETED, and for the UNKNOWN of each of
    these.

    ``NO_DOCUMENT``: valid here, and its document, a row of one of the project's own models, is gone. The system is then
    the name of that model. The sweep ``missing_documents`` reports it.
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
