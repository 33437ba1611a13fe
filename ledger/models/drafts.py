"""Numbers of an accounting system: drafts that were made there ahead of use, and the state of each series' pool."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Upper

from ledger.models.columns import Event, ShortTextField, key, unchecked_key, written_at
from ledger.models.periods import Period
from ledger.models.readable import MomentField
from ledger.models.series import NUMBER_LENGTH, SYSTEM_LENGTH, Series


class DraftMade(Event):
    """A draft that a worker made in the accounting system: from now on its number is that of ``value``.

    ``ordinal`` counts the drafts of its period; ``reference`` is made from it, and finds the draft there. A draft whose
    number could not be taken has no value, and ``refusal`` says why. The others become issued numbers or gaps, as the
    entry of the value shows; while the slot is free there is no entry.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="+", db_index=False)
    ordinal = models.BigIntegerField()
    value = models.BigIntegerField(null=True, blank=True)
    number = ShortTextField(max_length=NUMBER_LENGTH, help_text="As the accounting system wrote it.")
    system = ShortTextField(max_length=SYSTEM_LENGTH, help_text="Its name in LEDGER_ACCOUNTING.")
    remote_id = ShortTextField(max_length=300, help_text="The accounting system's own key.")
    reference = ShortTextField(max_length=200, help_text="Our reference, which the draft has there.")
    refusal = models.TextField(blank=True, default="", help_text="Why the number was not taken.")
    drafted_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "drafts made"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "period", "ordinal"], name="ledger_draftmade_ordinal"),
            models.UniqueConstraint(fields=["tenant", "period", "value"], name="ledger_draftmade_value"),
            models.UniqueConstraint(fields=["tenant", "system", "remote_id"], name="ledger_draftmade_remote_id"),
            models.UniqueConstraint(
                "tenant", Upper("number"), condition=models.Q(value__isnull=False), name="ledger_draftmade_number"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_keyless(self) -> bool:
        """Whether only its number is known, by which it was adopted."""
        return not self.reference and self.remote_id == self.number


class DraftCancelled(Event):
    """A draft that no checkout took was cancelled in the accounting system, or found to be gone there."""

    draft = models.ForeignKey(DraftMade, on_delete=models.PROTECT, related_name="cancellations")
    state = ShortTextField(max_length=20, help_text="What it is there now: void or deleted.")
    actor = key(blank=True, default="")
    cancelled_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "drafts cancelled"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "draft"], name="ledger_draftcancelled_once")]

    def __str__(self) -> str:
        return f"{self.draft} {self.state}"


class RemotePool(models.Model):
    """The state of the pool of drafts of one ``remote`` series, kept by the worker that refills it.

    ``claimed_by`` is the worker that has it until ``claimed_until``; a killed worker loses it then. ``wanted`` is how
    many free drafts the recent rate of use needs. ``tried_at`` is the last attempt to refill it, ``refilled_at`` the
    last success, ``error`` the last attempt's error; ``needs_person`` if another attempt won't help. ``looked_at`` is
    the time up to which changes in the accounting system were seen; ``full_look_at`` when each draft was last checked
    by itself, and ``looked_through`` how far the next such check has come.
    """

    tenant = key(blank=True)
    series = unchecked_key(Series)
    system = ShortTextField(max_length=SYSTEM_LENGTH)
    wanted = models.IntegerField(default=0, db_default=0)
    claimed_by = ShortTextField(max_length=100, blank=True, default="", db_default="")
    claimed_until = MomentField(null=True, blank=True)
    tried_at = MomentField(null=True, blank=True)
    refilled_at = MomentField(null=True, blank=True)
    error = models.TextField(blank=True, default="", db_default="")
    needs_person = models.BooleanField(default=False, db_default=False)
    looked_at = MomentField(null=True, blank=True)
    full_look_at = written_at()
    looked_through = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "series"], name="ledger_remotepool_series")]

    def __str__(self) -> str:
        return f"{self.series} in {self.system}"
