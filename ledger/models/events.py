"""Events: rows that are inserted once and never change. The database refuses UPDATE, DELETE and TRUNCATE on them."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models.functions import Upper

from ledger.models.columns import Event, ShortTextField, facts, key, written_at
from ledger.models.periods import Period
from ledger.models.readable import DayField
from ledger.models.series import NUMBER_LENGTH, Series

if TYPE_CHECKING:
    from ledger.models.ranges import AuthorisedRange

#: The authority whose code for a series makes the ATCUD, as the rules of Portugal name it.
ATCUD_AUTHORITY = "PT AT"


class Entry(Event):
    """The one line that the ledger keeps for a value: issued, adopted, or flagged as a gap.

    ``value`` is the counter (123), ``number`` what people read (INV-2026-000123); ``document`` the key of what it was
    given to, or empty. ``issued_on`` is the business date in the series' time zone; ``issued_at`` the database's clock,
    or, in an adopted entry, the time that the previous system stated.
    """

    class Kind(models.TextChoices):
        ISSUED = "issued", "issued"
        GAP = "gap", "gap"
        ADOPTED = "adopted", "adopted"

    # No foreign keys in the database: the trigger ledger_entry_fits checks more than they could, once for a whole
    # block, and takes no lock on the counter's row, which checkouts share.
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    period = models.ForeignKey(Period, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    value = models.BigIntegerField()
    kind = ShortTextField(max_length=8, choices=Kind.choices)
    number = ShortTextField(max_length=NUMBER_LENGTH)
    document = key(blank=True, default="")
    issued_on = DayField()
    issued_at = written_at()
    actor = key(blank=True, default="")
    metadata = facts(blank=True, default=dict)
    replaces = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="replaced_by",
        help_text="The void number of the same document in whose place this one was given.",
    )

    class Meta(Event.Meta):
        verbose_name_plural = "entries"
        permissions: ClassVar = [("void_number", "Can void a number")]
        constraints: ClassVar = [
            # The guard of the per-period counter, and what proves a gap.
            models.UniqueConstraint(fields=["tenant", "period", "value"], name="ledger_entry_value"),
            models.UniqueConstraint("tenant", Upper("number"), name="ledger_entry_number"),
            # One number for a document, and one more for each that was void and is replaced.
            models.UniqueConstraint(
                fields=["tenant", "series", "document", "replaces"],
                condition=models.Q(document__gt=""),
                nulls_distinct=False,
                name="ledger_entry_document",
            ),
            models.UniqueConstraint(
                fields=["tenant", "replaces"], condition=models.Q(replaces__isnull=False), name="ledger_entry_replaces"
            ),
            # The trigger ledger_entry_fits checks that the kind is one of the three, and that a gap has no document:
            # PostgreSQL reads a check constraint anew in every statement, which would slow down the hot path.
        ]
        indexes: ClassVar = [
            # Gaps are few among millions, and people ask for them: pages, reports, declarations.
            models.Index(fields=["tenant", "period", "value"], condition=models.Q(kind="gap"), name="ledger_entry_gaps")
        ]

    def __str__(self) -> str:
        return self.number

    def __repr__(self) -> str:
        # A log or a debugger must not make the database number a ticket that waits for its COMMIT.
        if "_deferred" in self.__dict__ and "number" not in self.__dict__:
            return f"<{self.__class__.__name__}: numbered at COMMIT>"
        return super().__repr__()

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Read the row again; Django also calls this for a field that isn't known yet.

        A number of ``at_commit`` may be given now. Raises NotIssued if its transaction was rolled back.
        """
        deferred = self.__dict__.get("_deferred")
        if deferred is None:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        else:
            deferred.keep(self)

    @property
    def authorised_range(self) -> "AuthorisedRange | None":
        """The range that an authority granted and this number comes from, or None."""
        ranges = apps.get_model("ledger", "AuthorisedRange")._base_manager.using(self._state.db)
        found: AuthorisedRange | None = ranges.filter(tenant=self.tenant, period=self.period_id).first()
        return found

    @property
    def atcud(self) -> str:
        """Portugal: the code of the series and the value, as it stands on the document; or empty."""
        granted = self.authorised_range
        return f"{granted.reference}-{self.value}" if granted and granted.authority == ATCUD_AUTHORITY else ""

    def of_its_kind(self) -> "Entry":
        """The same row as NumberIssued, NumberAdopted or GapFlagged."""
        kinds: dict[str, type[Entry]] = {
            Entry.Kind.ISSUED: NumberIssued,
            Entry.Kind.ADOPTED: NumberAdopted,
            Entry.Kind.GAP: GapFlagged,
        }
        fields = [field.attname for field in self._meta.concrete_fields]
        return kinds[self.kind].from_db(self._state.db, fields, [getattr(self, field) for field in fields])


class KindManager(models.Manager[Any]):
    """Shows the entries of one kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(kind=self.kind)


class NumberIssued(Entry):
    """A number that Folio gave out."""

    objects: ClassVar = KindManager(Entry.Kind.ISSUED)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name_plural = "numbers issued"


class NumberAdopted(Entry):
    """A number that a previous system gave out, taken over by ``ledger_adopt``."""

    objects: ClassVar = KindManager(Entry.Kind.ADOPTED)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name_plural = "numbers adopted"


class GapFlagged(Entry):
    """A value that no document has or ever will have."""

    objects: ClassVar = KindManager(Entry.Kind.GAP)

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name_plural = "gaps flagged"


class NumberVoided(Event):
    """A number was declared void. There is at most one for each entry; the number is never given again."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="voids")
    reason = models.TextField()
    replacement = key(blank=True, default="", help_text="Key or number of the replacing document.")
    actor = key(blank=True, default="")
    voided_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "numbers voided"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "entry"], name="ledger_numbervoided_once")]

    def __str__(self) -> str:
        return f"{self.entry} void"


class NumberRegistered(Event):
    """An authority has a reference of its own for a number: a KSeF number, an IRN, a CUFE, a UUID, an ATCUD.

    There is at most one of each authority for an entry, and each reference belongs to one number. ``digest`` is the
    SHA-256 of what was sent, or empty.
    """

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="registrations", db_index=False)
    authority = ShortTextField(max_length=60, help_text="Such as PL KSeF.")
    reference = key(help_text="The authority's own name of the document.")
    digest = ShortTextField(max_length=64, blank=True, default="", help_text="SHA-256 of what was sent, hexadecimal.")
    actor = key(blank=True, default="")
    registered_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "numbers registered"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "entry", "authority"], name="ledger_numberregistered_once"),
            models.UniqueConstraint(
                fields=["tenant", "authority", "reference"], name="ledger_numberregistered_reference"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry}: {self.authority} {self.reference}"


class Adoption(Event):
    """The numbers of one file were taken over, all or none; or such a history was retired (``options``)."""

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="adoptions")
    source = ShortTextField(max_length=255, help_text="Name of the file.")
    digest = ShortTextField(max_length=64, help_text="SHA-256 of the file, hexadecimal.")
    rows = models.BigIntegerField()
    options = facts(default=dict, help_text="Column mapping and pattern.")
    actor = key(blank=True, default="")
    adopted_at = written_at()

    class Meta(Event.Meta):
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_adoption_of")]

    def __str__(self) -> str:
        return f"{self.source}: retired" if "retires" in self.options else f"{self.source}: {self.rows} numbers"


class AdoptedGap(Event):
    """A range of values that a previous system left without a number; both ends inclusive.

    The range lies below anything that a counter can reach, so it needs no entry for each value.
    """

    adoption = models.ForeignKey(Adoption, on_delete=models.PROTECT, related_name="gaps")
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="adopted_gaps", db_index=False)
    first_value = models.BigIntegerField()
    last_value = models.BigIntegerField()

    class Meta(Event.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "period", "first_value"], name="ledger_adoptedgap_first_value"),
            models.CheckConstraint(
                condition=models.Q(first_value__lte=models.F("last_value")), name="ledger_adoptedgap_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_value} to {self.last_value}"


class GapExplained(Event):
    """Someone explained a gap: one flagged value, or a range of an adopted history. A later one adds to it."""

    entry = models.ForeignKey(Entry, null=True, blank=True, on_delete=models.PROTECT, related_name="explanations")
    adopted_gap = models.ForeignKey(
        AdoptedGap, null=True, blank=True, on_delete=models.PROTECT, related_name="explanations"
    )
    explanation = models.TextField()
    actor = key(blank=True, default="")
    explained_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "gaps explained"
        permissions: ClassVar = [("explain_gap", "Can explain a gap")]
        indexes: ClassVar = [models.Index(fields=["tenant"], name="ledger_gapexplained_of")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(entry__isnull=False, adopted_gap__isnull=True)
                | models.Q(entry__isnull=True, adopted_gap__isnull=False),
                name="ledger_gapexplained_one_subject",
            )
        ]

    def __str__(self) -> str:
        return self.explanation


class GapDeclared(Event):
    """Missing numbers were declared to an authority: a range of values without a document, both ends inclusive.

    Each was flagged as a gap or adopted as missing before, and none is declared twice to one authority.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="declarations", db_index=False)
    first_value = models.BigIntegerField()
    last_value = models.BigIntegerField()
    authority = ShortTextField(max_length=60, help_text="Such as BR NF-e.")
    reference = key(help_text="The protocol or receipt that the authority gave.")
    justification = models.TextField(blank=True, default="")
    actor = key(blank=True, default="")
    declared_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "gaps declared"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "period", "authority", "first_value"], name="ledger_gapdeclared_first_value"
            ),
            models.CheckConstraint(
                condition=models.Q(first_value__lte=models.F("last_value")), name="ledger_gapdeclared_order"
            ),
        ]

    def __str__(self) -> str:
        values = f"{self.first_value}" + (f" to {self.last_value}" if self.last_value > self.first_value else "")
        return f"{values}: {self.authority} {self.reference}"


class HoleReported(Event):
    """A sweep saw a free slot below the highest number: a hole that the next checkout will heal.

    The entry of its value shows whether it has healed, or become a gap when its period closed.
    """

    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="+", db_index=False)
    value = models.BigIntegerField()
    reported_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "holes reported"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "period", "value"], name="ledger_holereported_value")
        ]

    def __str__(self) -> str:
        return str(self.value)


class HoleHealed(Event):
    """A hole that was reported has been filled by a number: the entry of its value."""

    hole = models.ForeignKey(HoleReported, on_delete=models.PROTECT, related_name="healings")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="+")
    healed_at = written_at()

    class Meta(Event.Meta):
        verbose_name_plural = "holes healed"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "hole"], name="ledger_holehealed_once")]

    def __str__(self) -> str:
        return f"{self.hole} by {self.entry}"
