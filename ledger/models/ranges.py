"""Ranges of numbers that an authority grants, and the rest of them when they expire."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext

from ledger.localization import span_told
from ledger.models.columns import Event, ShortTextField, key, written_at
from ledger.models.periods import Period
from ledger.models.readable import DayField
from ledger.models.series import NUMBER_LENGTH, Series


class AuthorisedRange(Event):
    """An authority granted a range of numbers for a series: both values and both days inclusive.

    Without a last value or a last day it is open at that end. The series takes its numbers from its ranges, in the
    order in which they were added; each is a period of the series. ``reference`` is the authority's name of the grant:
    a resolution, a CAE, the validation code of a series.
    """

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="authorised_ranges", db_index=False)
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="authorised_ranges", db_index=False)
    prefix = ShortTextField(max_length=NUMBER_LENGTH, blank=True, default="", help_text="As the authority names it.")
    first_value = models.BigIntegerField()
    last_value = models.BigIntegerField(null=True, blank=True)
    valid_from = DayField()
    valid_to = DayField(null=True, blank=True)
    authority = ShortTextField(max_length=60, help_text="Such as CO DIAN.")
    reference = key(help_text="Of the resolution, or the code that the authority gave.")
    document_type = ShortTextField(max_length=20, blank=True, default="", help_text="Such as 33, or FT.")
    key_reference = key(blank=True, default="", help_text="Where the technical key is kept; never the key itself.")
    document = key(blank=True, default="", help_text="Where the authority's document is kept.")
    actor = key(blank=True, default="")
    authorised_at = written_at()

    class Meta:
        verbose_name_plural = "authorised ranges"
        default_permissions = ("view", "add")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "period"], name="ledger_authorisedrange_period"),
            models.UniqueConstraint(
                fields=["tenant", "series", "authority", "reference", "first_value"],
                name="ledger_authorisedrange_reference",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.authority} {self.reference}, {self.numbers}"

    @property
    def numbers(self) -> str:
        """The first and the last value with the authority's prefix, for people."""
        first = f"{self.prefix}{self.first_value}"
        if self.last_value is None:
            return gettext("%(first)s onwards") % {"first": first}
        return span_told(first, f"{self.prefix}{self.last_value}")


class RangeLapsed(Event):
    """The rest of an authorised range that was closed before it was used up: values that no document will ever have."""

    authorised = models.ForeignKey(AuthorisedRange, on_delete=models.PROTECT, related_name="lapses", db_index=False)
    first_value = models.BigIntegerField()
    last_value = models.BigIntegerField()
    actor = key(blank=True, default="")
    lapsed_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "ranges lapsed"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "authorised"], name="ledger_rangelapsed_once"),
            models.CheckConstraint(
                condition=models.Q(first_value__lte=models.F("last_value")), name="ledger_rangelapsed_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_value} to {self.last_value} of {self.authorised}"
