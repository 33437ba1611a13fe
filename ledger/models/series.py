"""Configuration: series, and the defaults by which they are made on first use."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Collate, Now, Upper

from ledger import calendars, number_templates
from ledger.errors import InvalidArgument, InvalidCalendar, InvalidSeries
from ledger.formats import NumberFormat
from ledger.keys import check_text
from ledger.models.columns import TEMPLATE_HEAD, HiddenModel, ShortTextField, key
from ledger.models.readable import DayField, FactsField, MomentField
from ledger.rules import Finding, Plan, Rules, as_of, check_settings, combined_rules, refuse_broken
from ledger.texts import can_be_held, shown

#: The longest number that any series may give out, in characters.
NUMBER_LENGTH = 100

#: The longest name of an accounting system.
SYSTEM_LENGTH = 100

#: The highest values of settings that no other check limits.
_HIGHEST = {"max_days_ahead": 10_000_000, "close_after_days": 32_767}


class Allocation(models.TextChoices):
    """How a series takes its next value: docs/guides/allocation.md says which to choose."""

    SERIAL = "serial", "serial: the counter is locked until the checkout commits"
    AT_COMMIT = "at_commit", "at_commit: numbered while the checkout commits"
    POOLED = "pooled", "pooled: taken from values minted ahead, and given back on rollback"
    RESERVED = "reserved", "reserved: kept for good before the checkout goes on, and a gap if it rolls back"
    REMOTE = "remote", "remote: taken from drafts in an accounting system, and given back on rollback"


class CalendarChoice(models.TextChoices):
    """The calendars, with labels that say when the counter starts again."""

    NEVER = calendars.CalendarKind.NEVER.value, "never: one period for ever"
    YEAR = calendars.CalendarKind.YEAR.value, "calendar year"
    FISCAL_YEAR = calendars.CalendarKind.FISCAL_YEAR.value, "fiscal year"
    QUARTER = calendars.CalendarKind.QUARTER.value, "quarter"
    MONTH = calendars.CalendarKind.MONTH.value, "month"
    DAY = calendars.CalendarKind.DAY.value, "day"
    EXPLICIT = calendars.CalendarKind.EXPLICIT.value, "explicit: each period is opened by hand"


class Series(models.Model):
    """One run of numbers of one tenant: its template, calendar, time zone and allocation.

    A change of template, calendar, fiscal start or start value holds for periods without numbers; a period with numbers
    keeps its compiled template.
    """

    #: The first day of a new form, as ``define_series`` found it.
    holds_from: date | None = None

    tenant = key(blank=True, default="", help_text="Who owns the numbers.")
    code = key(help_text="The name that your code uses, such as invoice.")
    template = ShortTextField(
        max_length=200, help_text="Such as INV-{year}-{counter:06} or R{fy_start}/{fy_end}-{counter:04}."
    )
    calendar = ShortTextField(max_length=20, choices=CalendarChoice.choices, default=CalendarChoice.YEAR)
    fiscal_start = ShortTextField(
        max_length=5, default="01-01", help_text="Month and day on which the fiscal year begins, such as 04-01."
    )
    max_days_ahead = models.PositiveIntegerField(
        default=400, db_default=400, help_text="How many days after today a document may be dated."
    )
    time_zone = ShortTextField(max_length=64, help_text="Decides the business date, such as Europe/Berlin.")
    allocation = ShortTextField(max_length=12, choices=Allocation.choices, default=Allocation.SERIAL)
    system = ShortTextField(
        max_length=SYSTEM_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="Remote: the accounting system whose numbers it gives out, by its name in LEDGER_ACCOUNTING.",
    )
    give_back = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Pooled: a value that a rolled-back checkout gave back may go to a later document. "
        "Switched off, it becomes a flagged gap.",
    )
    start_value = models.BigIntegerField(
        default=1,
        help_text="The first value of each period. To go on after another system's last number, open the period of "
        "today with a first value of its own.",
    )
    max_length = models.PositiveSmallIntegerField(default=60, help_text="The longest number, in characters.")
    chronological = models.BooleanField(
        default=False, help_text="Refuse a date before the last one issued in the same period."
    )
    early_release = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Serial, at_commit, reserved: COMMIT gives the counter to the next checkout before it is on disk. "
        "Nobody is told a number earlier; what else the checkout wrote is visible to others a moment sooner.",
    )
    rules = ShortTextField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="The rule sets that Folio checks, such as DE, or DE,FR-einvoice; empty for none.",
    )
    close_after_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="How many days after its end a sweep closes a period for good; if empty, people close it.",
    )
    is_active = models.BooleanField(default=True, help_text="A series that is switched off gives out no number.")
    # What the rules allow, so that the database can open a period without knowing them.
    rules_length = models.PositiveSmallIntegerField(null=True, editable=False)
    rules_highest = models.BigIntegerField(null=True, editable=False)
    #: The day from which the rules want each number in a range that an authority granted.
    rules_authorised = DayField(null=True, editable=False)
    created_at = MomentField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "series"
        ordering: ClassVar = ["tenant", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "code"], name="ledger_series_code"),
            models.CheckConstraint(condition=models.Q(start_value__gte=0), name="ledger_series_start_value"),
            models.CheckConstraint(
                condition=models.Q(max_length__gte=1, max_length__lte=NUMBER_LENGTH), name="ledger_series_max_length"
            ),
        ]
        # The beginning of their numbers, to find the few series that could give out the same (ledger_colliding_series).
        indexes: ClassVar = [models.Index("tenant", Collate(Upper(TEMPLATE_HEAD), "C"), name="ledger_series_head")]

    def __str__(self) -> str:
        return f"{self.tenant}/{self.code}" if self.tenant else self.code

    def as_calendar(self) -> calendars.Calendar:
        """The calendar, for ``ledger.calendars``; raises InvalidCalendar."""
        kinds = [kind.value for kind in calendars.CalendarKind]
        if self.calendar not in kinds:
            raise InvalidCalendar(
                f"The calendar {self.calendar!r} is unknown.",
                rule="A series follows one of Folio's calendars.",
                remedy=f"Choose one of {', '.join(kinds)}.",
            )
        return calendars.Calendar(calendars.CalendarKind(self.calendar), calendars.FiscalStart.parse(self.fiscal_start))

    def as_template(self) -> number_templates.Template:
        """The checked template; raises InvalidTemplate or InvalidCalendar."""
        return number_templates.parse_template(
            self.template, self.as_calendar(), max_length=self.max_length, series=self.code, tenant=self.tenant
        )

    def rule_sets(self) -> tuple[Rules, ...]:
        """The rules by country; raises InvalidSeries for an unknown code."""
        return combined_rules(self.rules)

    def rule_findings(self, on: date | None = None) -> list[Finding]:
        """What the rules by country say of the settings, by the law of a day, today by default."""
        if not self.rules:
            return []
        calendar = self.as_calendar()
        numbers = self._sample()
        plan = Plan(
            allocation=self.allocation,
            give_back=self.give_back,
            chronological=self.chronological,
            calendar=calendar,
            first_value=self.start_value,
            numbers=numbers,
            highest=self.highest_value(numbers),
        )
        day = on or legal_day()
        found = [finding for rules in self.rule_sets() for finding in as_of(rules, check_settings(rules, plan), day)]
        # The characters of a label are those of the period, which is checked when it is opened.
        return [one for one in found if one.check != "characters" or not self.as_template().has_label]

    def highest_value(self, numbers: NumberFormat) -> int:
        """The highest value whose number keeps the series' length limit and the rules by country; 0 if none does."""
        length, highest = self.rule_bounds()
        value = numbers.highest_value(self.max_length if length is None else min(self.max_length, length))
        return value if highest is None else min(value, highest)

    def rule_bounds(self) -> tuple[int | None, int | None]:
        """The longest number and the highest value that all rules by country allow; None if they set no limit."""
        sets = self.rule_sets()
        lengths = [one.length.maximum for one in sets if one.length is not None and not one.length.doubtful]
        values = [one.counter.highest for one in sets if one.counter is not None]
        return min(lengths, default=None), min(values, default=None)

    def must_be_authorised(self) -> date | None:
        """The first day on which the rules by country want a range that an authority granted, or None."""
        asked = [one.authorisation for one in self.rule_sets() if one.authorisation is not None]
        days = [one.source.since or date.min for one in asked if not one.doubtful]
        return min(days, default=None)

    def check_settings(self) -> None:
        """Raise the InvalidArgument of the first setting that can't work; the database isn't asked."""
        for _field, check in self._checks():
            check()

    def clean(self) -> None:
        """Report a bad setting at its field, for forms and the admin."""
        for field, check in self._checks():
            try:
                check()
            except InvalidArgument as error:
                raise ValidationError({field: str(error)}) from error

    def _checks(self) -> list[tuple[str, Callable[[], object]]]:
        """Each check with its field; a later check may rely on the earlier ones."""
        kept = ("id", "tenant", "code")
        fields = [field for field in self._meta.concrete_fields if field.editable and field.name not in kept]
        return [
            *((field.name, partial(self._check_type, field)) for field in fields),
            ("start_value", self._check_start_value),
            ("max_length", self._check_max_length),
            ("allocation", self._check_allocation),
            ("system", self._check_system),
            ("time_zone", lambda: calendars.zone(self.time_zone)),
            ("fiscal_start", lambda: calendars.FiscalStart.parse(self.fiscal_start)),
            ("calendar", self.as_calendar),
            ("template", self.as_template),
            ("start_value", self._check_length),
            ("rules", lambda: refuse_broken(self.rule_findings())),
        ]

    def _check_type(self, field: "models.Field[Any, Any]") -> None:
        """Refuse a value that the later checks and the column can't take."""
        value, highest = getattr(self, field.attname), _HIGHEST.get(field.name)
        if isinstance(field, models.BooleanField):
            rule, fits = "True or False", isinstance(value, bool)
        elif isinstance(field, models.IntegerField):
            rule = "a whole number" if highest is None else f"a whole number from 0 to {highest:,}"
            fits = isinstance(value, int) and not isinstance(value, bool)
            fits = fits and (highest is None or 0 <= value <= highest)
        else:
            rule, fits = "a text without NUL", isinstance(value, str) and can_be_held(value)
        if not (fits or (value is None and field.null)):
            raise InvalidSeries(
                f"The setting {field.name}={shown(value, 60)}, of type {type(value).__name__}, can't be kept.",
                rule=f"It is {rule}{', or None' if field.null else ''}.",
                remedy="Correct it, or leave it out.",
            )

    def _check_start_value(self) -> None:
        if self.start_value < 0:
            raise InvalidSeries(
                f"The start value {self.start_value} is negative.",
                rule="A counter starts at 0 or above, and each period starts there anew.",
                remedy="Choose 1, or 0. To go on after the last number of another system, in one period alone: "
                "open_period(series, first_value=…), manage.py ledger_period open --first-value, or ledger_adopt.",
            )

    def _check_max_length(self) -> None:
        if not 1 <= self.max_length <= NUMBER_LENGTH:
            raise InvalidSeries(
                f"The length limit {self.max_length} is out of range.",
                rule=f"A number has 1 to {NUMBER_LENGTH} characters.",
                remedy="Choose what your country or accounting software allows, such as 16, 20 or 60.",
            )

    def _check_allocation(self) -> None:
        if self.allocation not in Allocation.values:
            raise InvalidSeries(
                f"The allocation {self.allocation!r} is unknown.",
                rule="A series takes its numbers by one of Folio's allocations.",
                remedy=f"Choose one of {', '.join(Allocation.values)}.",
            )
        if self.allocation in (Allocation.POOLED, Allocation.REMOTE) and self.chronological:
            raise InvalidSeries(
                f"A {self.allocation} series can't have the chronology guard.",
                rule="Checkouts that hold values of the pool at the same time may overtake each other, so the guard "
                "can't keep the order.",
                remedy="Choose the allocation at_commit or reserved, which keep the order of dates, or leave it off.",
            )
        if self.allocation == Allocation.REMOTE and not self.give_back:
            raise InvalidSeries(
                "A remote series gives its numbers back.",
                rule="A rolled-back checkout gives back a draft, which waits in the accounting system as before.",
                remedy="Leave give_back on; a draft that nobody may use is deleted there, and becomes a flagged gap.",
            )

    def _check_system(self) -> None:
        if self.allocation == Allocation.REMOTE and not self.system:
            raise InvalidSeries(
                f"The remote series {self.code!r} names no accounting system.",
                rule="A remote series gives out the numbers of drafts in one of the systems of LEDGER_ACCOUNTING.",
                remedy="Name it: define_series(…, allocation='remote', system='books').",
            )
        if self.system:
            check_text(self.system, InvalidSeries, "The accounting system ", longest=SYSTEM_LENGTH)

    def _sample(self) -> NumberFormat:
        """The format of any period: date tokens have fixed widths, and the shortest label stands for all."""
        template = self.as_template()
        span = calendars.Span(date(2000, 1, 1), date(2000, 12, 31))
        return template.compile(span, "0" if template.has_label else None)

    def _check_length(self) -> None:
        if self._sample().highest_value(self.max_length) < self.start_value:
            raise InvalidSeries(
                f"The start value {self.start_value} makes a number of more than {self.max_length} characters.",
                rule="Each number of a series must fit into its length limit.",
                remedy="Choose a lower start value, a shorter template or a higher limit.",
            )


def legal_day() -> date:
    """The day by whose law settings are judged. The database isn't asked, since the time zone makes no difference."""
    return datetime.now(UTC).date()


class DefaultSeries(HiddenModel):
    """A series of this code is made on first use: LEDGER["DEFAULT_SERIES"], as the database has it.

    A checkout's role may not define a series, but it may ask for one of these.
    """

    code = key(primary_key=True)
    settings = FactsField()

    class Meta(HiddenModel.Meta):
        verbose_name_plural = "default series"

    def __str__(self) -> str:
        return self.code
