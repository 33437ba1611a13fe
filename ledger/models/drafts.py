"""Numbers of an accounting system: drafts that were made there ahead of use, and how each series' pool of them does."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Upper

from ledger.models.columns import Event, ShortTextField, key, written_at
from ledger.models.readable import MomentField
from ledger.models.series import NUMBER_LENGTH, SYSTEM_LENGTH, Period, Series


class DraftMade(Event):
    """A draft that a worker made in the accounting system: from now on its number is that of ``value``.

    ``ordinal`` counts the drafts of its period; ``reference`` is made of it, and finds the draft there.
    A draft whose number could not be taken has no value; ``refusal`` says why. The entry of the value tells what became
    of the others: issued, or a gap; none while its slot is free.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="+", db_index=False)
    ordinal = models.BigIntegerField()
    value = models.BigIntegerField(null=True, blank=True)
    number = ShortTextField(max_length=NUMBER_LENGTH, help_text="As the accounting system wrote it.")
    system = ShortTextField(max_length=SYSTEM_LENGTH, help_text="Its name in LEDGER_ACCOUNTING.")
    remote_id = ShortTextField(max_length=300, help_text="The accounting system's own key.")
    reference = ShortTextField(max_length=200, help_text="Ours, which the draft bears there.")
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
    """How the pool of drafts of one ``remote`` series does; kept by the worker that refills it.

    ``claimed_by`` is the worker that has it to itself until ``claimed_until``; a worker that was killed loses it then.
    ``wanted`` is how many free drafts the recent rate of use asks for. ``tried_at`` is the last try to refill it,
    ``refilled_at`` the last one that went well, ``error`` what went wrong in the last one; ``needs_person`` where
    trying again won't help. ``looked_at`` is up to when changes in the accounting system were seen; ``full_look_at``
    when each draft was last looked at by itself, and ``looked_through`` how far the next such look has come.
    """

    tenant = key(blank=True)
    series = models.ForeignKey(
        Series, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
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
