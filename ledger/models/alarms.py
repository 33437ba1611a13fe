"""Alarms: events. One is raised when a check finds a broken rule, may be acknowledged, and is resolved at most once."""

from typing import ClassVar

from django.db import models

from ledger.keys import KEY_LENGTH
from ledger.models.columns import EventOfAny, ShortTextField, key, written_at
from ledger.models.readable import DayField

#: The longest of ``ledger.verification.findings.MEANINGS`` has 19 characters.
_KIND_LENGTH = 40


class AlarmRaised(EventOfAny):
    """``ledger_verify``, or a sweep, found a row that breaks a rule of the ledger, or a guard that is missing.

    ``kind`` is the name of the check, ``rule`` its place in "What must always hold" (null for the rules of a country).
    ``tenant`` is null if it concerns all of them, such as a missing guard. ``series``, ``starts_on``, ``ordinal``,
    ``value``, ``through``, ``number``, ``table_name`` and ``row_id`` say where it is, without foreign keys, since these
    rows may be lost. ``subject`` is a digest of all that, made by the database. Until an alarm is
    resolved it is not raised again; after that it may be, as the next ``occurrence``.
    """

    kind = ShortTextField(max_length=_KIND_LENGTH)
    rule = models.SmallIntegerField(null=True, blank=True)
    series = ShortTextField(max_length=KEY_LENGTH, blank=True, default="", help_text="Its code.")
    starts_on = DayField(null=True, blank=True, help_text="The first day of the period.")
    ordinal = models.IntegerField(default=0, help_text="0, or the place of an authorised range.")
    value = models.BigIntegerField(null=True, blank=True)
    through = models.BigIntegerField(null=True, blank=True)
    number = models.TextField(blank=True, default="")
    table_name = ShortTextField(max_length=63, blank=True, default="")
    row_id = models.BigIntegerField(null=True, blank=True, help_text="Its id in that table.")
    problem = models.TextField()
    remedy = models.TextField()
    subject = ShortTextField(max_length=64)
    occurrence = models.IntegerField(default=1)
    raised_at = written_at()

    class Meta(EventOfAny.Meta):
        verbose_name_plural = "alarms raised"
        permissions: ClassVar = [("acknowledge_alarm", "Can acknowledge an alarm")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "subject", "occurrence"], name="ledger_alarmraised_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=models.Q(occurrence__gte=1), name="ledger_alarmraised_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.problem}"


class AlarmResolved(EventOfAny):
    """A later check no longer found the alarm's problem."""

    alarm = models.ForeignKey(AlarmRaised, on_delete=models.PROTECT, related_name="resolutions")
    resolved_at = written_at()

    class Meta(EventOfAny.Meta):
        verbose_name_plural = "alarms resolved"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "alarm"], name="ledger_alarmresolved_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.alarm} resolved"


class AlarmAcknowledged(EventOfAny):
    """Somebody knows of the alarm and says why the problem may stand. A later one adds to it."""

    alarm = models.ForeignKey(AlarmRaised, on_delete=models.PROTECT, related_name="acknowledgements")
    reason = models.TextField()
    actor = key(blank=True, default="")
    acknowledged_at = written_at()

    class Meta(EventOfAny.Meta):
        verbose_name_plural = "alarms acknowledged"
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_alarmacknowledged_of")]

    def __str__(self) -> str:
        return self.reason
