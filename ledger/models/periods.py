"""Counters: the periods of series, whose rows change with each number."""

from dataclasses import asdict
from datetime import date
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models.functions import Collate, Now, Upper

from ledger import calendars
from ledger.formats import NumberFormat
from ledger.models.columns import ShortTextField, key
from ledger.models.readable import DayField, MomentField
from ledger.models.series import NUMBER_LENGTH, Series, legal_day
from ledger.rules import Finding, as_of, check_period, refuse_broken


class Period(models.Model):
    """One stretch of a series in which the counter runs without reset; a compiled template and its counter.

    ``prefix``, ``width`` and ``suffix`` are rendered when the period is opened, so that one SQL statement can make the
    number. ``starts_on`` and ``ends_on`` are business dates, both inclusive. ``last_value`` is the last value taken, or
    ``first_value - 1``; ``max_value`` the highest one whose number keeps the series' length limit. The database forbids
    overlap, a counter below its highest entry, and a change of the format once there are entries. A period may only end
    early (``cut_short``), on a day after which it has no number.
    """

    tenant = key(blank=True, default="")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="periods")
    starts_on = DayField()
    ends_on = DayField()
    ordinal = models.IntegerField(
        default=0, db_default=0, help_text="0, or the place of an authorised range among those that share its dates."
    )
    prefix = ShortTextField(max_length=NUMBER_LENGTH, blank=True)
    width = models.IntegerField()
    suffix = ShortTextField(max_length=NUMBER_LENGTH, blank=True)
    first_value = models.BigIntegerField()
    last_value = models.BigIntegerField()
    max_value = models.BigIntegerField()
    last_issued_on = DayField(null=True, blank=True)
    has_drafts = models.BooleanField(
        default=False, db_default=False, help_text="Some of its values have the numbers of drafts (DraftMade)."
    )
    cut_short = models.BooleanField(
        default=False, db_default=False, help_text="Its form was ended early; the days after it go on in another form."
    )
    moves = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Its tenant is moving or has moved to another home, and takes no numbers here.",
    )
    opened_at = MomentField(db_default=Now())
    closed_at = MomentField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["tenant", "series", "starts_on"]
        permissions: ClassVar = [("close_period_now", "Can close a period")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "series", "starts_on", "ordinal"], name="ledger_period_starts_on")
            # Exclusion constraints forbid that two share a day, or a number (sql/guards.sql). The trigger
            # ledger_period_fits takes the place of check constraints: PostgreSQL reads their texts in every statement
            # that touches the table, and the counter is in the hot path.
        ]
        indexes: ClassVar = [
            # Finds the few prefixes that continue another one, in the order of bytes.
            models.Index("tenant", Collate(Upper("prefix"), "C"), name="ledger_period_prefix")
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.label}"

    @property
    def label(self) -> str:
        """The period's name for people: its span of dates, or "for ever"; for an authorised range also its place."""
        told = f"{self.starts_on} to {self.ends_on}"
        if (self.starts_on, self.ends_on) == (date.min, date.max):
            told = "for ever"
        elif self.ordinal and self.ends_on == date.max:
            told = f"{self.starts_on} onwards"
        return f"{told}, range {self.ordinal}" if self.ordinal else told

    def number_of(self, value: int, using: str | None = None, *, on: date | None = None) -> str:
        """The number of ``value``: that of its draft if it has one, else by the template.

        ``on`` is the date of the document that may get it; without one, a dated number is that of the value's entry.
        """
        numbers = self.as_format()
        if on is None and numbers.is_dated and self.pk:
            entries = apps.get_model("ledger", "Entry")._base_manager.using(using or self._state.db)
            found = entries.filter(tenant=self.tenant, period=self, value=value).values_list("number", flat=True)
            if (number := found.first()) is not None:
                return str(number)
        if self.has_drafts:
            drafts = apps.get_model("ledger", "DraftMade")._base_manager.using(using or self._state.db)
            drafted = drafts.filter(tenant=self.tenant, period=self, value=value).values_list("number", flat=True)
            if (number := drafted.first()) is not None:
                return str(number)
        return numbers.shown(value, on)

    def as_span(self) -> calendars.Span:
        """The dates of the period, both inclusive."""
        return calendars.Span(self.starts_on, self.ends_on)

    def check_rules(self) -> list[Finding]:
        """What the rules by country say of a period about to be opened; raises AgainstRules if they forbid it."""
        facts = (self.as_span(), self.as_format(), self.first_value, self.max_value)
        findings = [
            finding
            for rules in self.series.rule_sets()
            for finding in as_of(rules, check_period(rules, *facts), legal_day())
        ]
        refuse_broken(findings)
        return findings

    def as_format(self) -> NumberFormat:
        """The compiled template, which turns a value into a number."""
        return NumberFormat(prefix=self.prefix, width=self.width, suffix=self.suffix)

    @classmethod
    def of(
        cls, series: Series, span: calendars.Span, *, first_value: int | None = None, label: str | None = None
    ) -> "Period":
        """An unsaved period of ``series`` over ``span``, whose counter starts at ``first_value``."""
        number_format = series.as_template().compile(span, label)
        first = series.start_value if first_value is None else first_value
        highest = series.highest_value(number_format)
        values: dict[str, Any] = {"first_value": first, "last_value": first - 1, "max_value": highest}
        return cls(tenant=series.tenant, series=series, **asdict(span), **asdict(number_format), **values)
