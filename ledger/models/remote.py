"""The mirror of accounting systems: their documents, as far as they were read. Rows change as the systems do.

The workers write it (``ledger.reconciliation.mirror``); comparisons, reports and the admin read it.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Upper

from ledger import kinds
from ledger.models.columns import ShortTextField, key, unchecked_key, written_at
from ledger.models.events import Entry
from ledger.models.readable import DayField, MomentField

#: Longer texts of a remote system are cut: none of our numbers or documents is as long.
REMOTE_LENGTH = 300


def amount() -> "models.DecimalField[Any, Any]":
    """An amount of money in any currency; null if it is unknown."""
    return models.DecimalField(max_digits=24, decimal_places=6, null=True, blank=True)


class RemoteDocument(models.Model):
    """One document of an accounting system, as it was last read.

    ``remote_id`` is the system's own key. A deleted document keeps its number, date and reference, if they are known.
    ``changed_at`` is the system's clock, the other times are the database's. ``seen_in`` is the last reading that saw
    it, by ``RemoteReading.generation``.
    """

    tenant = key(blank=True)
    system = key(help_text="Its name in LEDGER_ACCOUNTING.")
    remote_id = ShortTextField(max_length=REMOTE_LENGTH)
    number = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="")
    state = ShortTextField(max_length=8, choices=[(each.value, each.value) for each in kinds.State])
    issued_on = DayField(null=True, blank=True)
    reference = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="", help_text="The key of our document.")
    changed_at = MomentField(null=True, blank=True)
    total = amount()
    currency = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="", db_default="")
    customer = ShortTextField(max_length=2 * REMOTE_LENGTH, blank=True, default="", db_default="")
    kind = ShortTextField(max_length=20, blank=True, default="", db_default="", help_text="Empty: of any.")
    spelling = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="", db_default="")
    first_seen_at = written_at()
    seen_at = written_at()
    seen_in = models.BigIntegerField()

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "system", "remote_id"], name="ledger_remotedocument_id"),
            models.CheckConstraint(
                condition=models.Q(state__in=("draft", "posted", "void", "deleted")), name="ledger_remotedocument_state"
            ),
        ]
        indexes: ClassVar = [
            models.Index("tenant", "system", Upper("number"), name="ledger_remotedocument_number"),
            models.Index(
                fields=["tenant", "system", "reference"],
                condition=models.Q(reference__gt=""),
                name="ledger_remotedocument_ref",
            ),
            models.Index(
                fields=["tenant", "system", "spelling"],
                condition=models.Q(spelling__gt=""),
                name="ledger_remotedocument_spelling",
            ),
        ]

    def __str__(self) -> str:
        return self.number or self.remote_id


class ExpectedDocument(models.Model):
    """What a system should have for an entry: ``remote_id`` is the document that we pushed, or empty.

    ``total``, ``currency`` and ``customer`` are those that the ``describe`` hook gave, or empty.
    """

    tenant = key(blank=True)
    system = key()
    entry = unchecked_key(Entry)
    remote_id = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="")
    total = amount()
    currency = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="")
    customer = ShortTextField(max_length=REMOTE_LENGTH, blank=True, default="")

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "system", "entry"], name="ledger_expecteddocument_entry")
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} in {self.system}"


class RemoteReading(models.Model):
    """How far a system was read, and how far it was compared: one row for each system.

    A reading is under way while ``begun_at`` is not null: ``since`` (null: from the beginning), ``full`` and ``cursor``
    (empty: the first page) say how to continue it, ``pages`` and ``documents`` what it has seen. The last complete
    reading began at ``read_from``, the last complete one of everything at ``full_from``. Before there was one of
    everything, the mirror knows what changed after ``covers_from``. ``full_owed``: deletions went unseen.

    ``compared_horizon`` is the oldest transaction that was still running at the last comparison, ``compared_through``
    the time up to which missing numbers counted, and ``compared_by`` the rules that it followed; empty if the next one
    must compare everything.
    """

    tenant = key(blank=True)
    system = key()
    generation = models.BigIntegerField(default=0)
    begun_at = MomentField(null=True, blank=True)
    since = MomentField(null=True, blank=True)
    cursor = models.TextField(blank=True, default="")
    full = models.BooleanField(default=True)
    pages = models.BigIntegerField(default=0)
    documents = models.BigIntegerField(default=0)
    read_from = MomentField(null=True, blank=True)
    full_from = MomentField(null=True, blank=True)
    covers_from = MomentField(null=True, blank=True)
    full_owed = models.BooleanField(default=False)
    finished_at = MomentField(null=True, blank=True)
    compared_at = MomentField(null=True, blank=True)
    compared_horizon = models.BigIntegerField(null=True, blank=True)
    compared_through = MomentField(null=True, blank=True)
    compared_by = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")
    needs_person = models.BooleanField(default=False, help_text="It will fail again until somebody acts.")
    failed_at = MomentField(null=True, blank=True)
    retry_at = MomentField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions: ClassVar = [("read_books", "Can compare books in a file")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "system"], name="ledger_remotereading_system")
        ]

    def __str__(self) -> str:
        return self.system


class PendingComparison(models.Model):
    """A number, in upper case, that the next comparison must look at. It may be listed more than once."""

    tenant = key(blank=True)
    system = key()
    subject = models.TextField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["tenant", "system"], name="ledger_pendingcomparison_of")]

    def __str__(self) -> str:
        return self.subject
