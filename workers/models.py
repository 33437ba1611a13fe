"""What worker processes share about accounting systems. None of it is an event, and no event needs it."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from ledger.keys import KEY_LENGTH
from ledger.models import Entry, NumberVoided
from ledger.models.columns import ShortTextField, speak
from ledger.models.readable import DayField, FactsField, MomentField
from ledger.models.series import NUMBER_LENGTH


class _OfASystem(models.Model):
    """A row that is known by its primary key, for the workers alone: nobody has permissions on it."""

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class SealedToken(_OfASystem):
    """The last OAuth token of a system, sealed by a key that isn't in the database.

    A process that renews it locks the row, so that no refresh token is ever used twice.
    """

    system = ShortTextField(primary_key=True, max_length=200, help_text="Its name in LEDGER_ACCOUNTING.")
    sealed = models.TextField(blank=True, default="")
    issued_at = MomentField(null=True)
    expires_at = MomentField(null=True)


class Quota(_OfASystem):
    """How much of a vendor's limits one organisation has used: see ``workers.accounting.quota``."""

    organisation = ShortTextField(primary_key=True, max_length=400)
    room = models.FloatField(null=True, help_text="What is left of a minute's requests, as of counted_at.")
    counted_at = MomentField(null=True)
    day = ShortTextField(max_length=10, blank=True, default="")
    used_today = models.IntegerField(default=0)
    tickets = FactsField(default=dict, help_text="The requests under way, and until when each one counts.")
    paused_until = MomentField(null=True)


class Push(models.Model):
    """An issued number on its way to an accounting system, and its outcome there: a queue whose rows stay.

    They stay because they record what was pushed. ``claimed_by`` is the mark of the worker that is at work on the row,
    until ``claimed_until`` by the database's clock. ``facts`` is what the system has instead of what was pushed.
    ``pushed_at`` and ``cancelled_at`` show which of the two steps are done.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "to be pushed"
        PUSHED = "pushed", "pushed"
        CANCELLING = "cancelling", "to be cancelled there"
        CANCELLED = "cancelled", "cancelled there"
        CONFLICT = "conflict", "another there"
        FAILED = "failed", "for a person"

    tenant = ShortTextField(max_length=KEY_LENGTH, blank=True)
    system = ShortTextField(max_length=200, help_text="Its name in LEDGER_ACCOUNTING.")
    # No foreign keys in the database: each would lock the entry's row, and so write to a page of the ledger, for an
    # event that can't be deleted.
    entry = models.ForeignKey(Entry, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    void = models.ForeignKey(
        NumberVoided, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    number = ShortTextField(max_length=NUMBER_LENGTH)
    document = ShortTextField(max_length=KEY_LENGTH, blank=True, default="")
    issued_on = DayField()
    state = ShortTextField(max_length=10, choices=State.choices, default=State.WAITING)
    found_at = MomentField(db_default=Now())
    claimed_by = ShortTextField(max_length=60, blank=True, default="")
    claimed_until = MomentField(null=True, blank=True)
    attempts = models.IntegerField(default=0, help_text="Of the step that is due.")
    last_error = models.TextField(blank=True, default="")
    next_attempt_at = MomentField(null=True, blank=True)
    remote_id = ShortTextField(max_length=400, blank=True, default="")
    facts = FactsField(blank=True, default=dict, encoder=DjangoJSONEncoder)
    pushed_at = MomentField(null=True, blank=True)
    cancelled_at = MomentField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "pushes"
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "system", "entry"], name="ledger_workers_push_entry")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "system", "id"],
                condition=models.Q(state__in=("waiting", "cancelling")),
                name="ledger_workers_push_due",
            ),
            models.Index(
                fields=["tenant", "system", "id"],
                condition=models.Q(state__in=("conflict", "failed")),
                name="ledger_workers_push_stuck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} to {self.system}"


class PushPosition(_OfASystem):
    """How far the ledger was searched for numbers to push to a system, and how the last run of its pushes ended.

    Every transaction below ``through`` was over at that look, so what it wrote was seen. ``scope`` is what was looked
    for; when the settings change, everything is looked at again.
    """

    system = ShortTextField(primary_key=True, max_length=200, help_text="Its name in LEDGER_ACCOUNTING.")
    tenant = ShortTextField(max_length=KEY_LENGTH, blank=True, default="")
    through = models.BigIntegerField(default=0, help_text="A transaction id.")
    scope = FactsField(default=dict)
    looked_in_full_at = MomentField(null=True)
    ran_at = MomentField(null=True)
    error = models.TextField(blank=True, default="", help_text="What stopped the last run, or nothing.")


for _known in (SealedToken, Quota, Push, PushPosition):
    speak(_known)
