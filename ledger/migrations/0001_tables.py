# The tables, their constraints and indexes, as the models have them.

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Collate, Now, Upper

from ledger.migrations._columns import (
    ACTOR,
    ID,
    TENANT,
    WRITTEN_BY_THE_DATABASE,
    constrained,
    facts,
    flag,
    id_of,
    kept,
    text,
    together,
    written_at,
)
from ledger.migrations._operations import RequirePostgreSQL
from ledger.models.columns import TEMPLATE_HEAD


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        RequirePostgreSQL(),
        migrations.CreateModel(
            "AccessChanged",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("user", text()),
                ("kind", text(choices=[("given", "given"), ("taken", "taken away")])),
                ACTOR,
                ("changed_at", written_at()),
            ],
            {
                "verbose_name_plural": "changes of access",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_accesschanged_of")],
            },
        ),
        migrations.CreateModel(
            "AdoptingDay",
            [
                ("pk", together("batch", "day")),
                ("batch", models.TextField()),
                ("day", models.DateField()),
                ("period_id", models.BigIntegerField(null=True)),
                ("problem", models.TextField(null=True)),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "Adoption",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("source", text(255, help_text="Name of the file.")),
                ("digest", text(64, help_text="SHA-256 of the file, hexadecimal.")),
                ("rows", models.BigIntegerField()),
                ("options", facts(default=dict, help_text="Column mapping and pattern.")),
                ACTOR,
                ("adopted_at", written_at()),
            ],
            {"default_permissions": ("view",), "indexes": [models.Index(fields=["tenant"], name="ledger_adoption_of")]},
        ),
        migrations.CreateModel(
            "DefaultSeries",
            [("code", text(primary_key=True, serialize=False)), ("settings", models.JSONField())],
            {"verbose_name_plural": "default series", "default_permissions": ()},
        ),
        migrations.CreateModel(
            "HoleReported",
            [ID, TENANT, *WRITTEN_BY_THE_DATABASE, ("value", models.BigIntegerField()), ("reported_at", written_at())],
            {"verbose_name_plural": "holes reported", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "Period",
            [
                ID,
                ("tenant", text(blank=True, default="")),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                (
                    "ordinal",
                    models.IntegerField(
                        db_default=0,
                        default=0,
                        help_text="0, or its place among those that share dates: ranges that were authorised.",
                    ),
                ),
                ("prefix", text(100, blank=True)),
                ("width", models.IntegerField()),
                ("suffix", text(100, blank=True)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("max_value", models.BigIntegerField()),
                ("last_issued_on", models.DateField(blank=True, null=True)),
                ("has_drafts", flag(help_text="Some of its values have the numbers of drafts (DraftMade).")),
                ("cut_short", flag(help_text="Its form ended before its time; the days after count on in another.")),
                (
                    "moves",
                    flag(
                        editable=False,
                        help_text="Its tenant moves or has moved to another home, and numbers nothing here.",
                    ),
                ),
                ("opened_at", models.DateTimeField(db_default=Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            {
                "ordering": ["tenant", "series", "starts_on"],
                "permissions": [("close_period_now", "Can close a period")],
            },
        ),
        migrations.CreateModel(
            "RolePurpose",
            [("pk", together("role", "purpose")), ("role", models.TextField()), ("purpose", models.TextField())],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "TenantMove",
            [
                ("tenant", text(blank=True, primary_key=True, serialize=False)),
                (
                    "state",
                    text(
                        10,
                        choices=[
                            ("leaving", "is leaving"),
                            ("left", "has left; its rows are an old copy"),
                            ("arriving", "is arriving"),
                            ("arrived", "has arrived"),
                            ("dropped", "has left; its old copy was dropped"),
                        ],
                    ),
                ),
                ("home", text(help_text="Where it goes, or where it came from.")),
                ("digest", text(64, blank=True, default="")),
                ("mover", models.BigIntegerField(null=True)),
                ("changed_at", written_at()),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "TenantBinding",
            [
                ("pk", together("login", "tenant")),
                ("login", models.TextField(help_text="The role that the connection logs in as.")),
                TENANT,
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "AdoptingRow",
            [
                ID,
                ("batch", models.TextField()),
                ("line", models.BigIntegerField()),
                ("value", models.BigIntegerField(null=True)),
                ("number", models.TextField(null=True)),
                ("document", models.TextField(null=True)),
                ("issued_at", models.DateTimeField(null=True)),
                ("issued_on", models.DateField(null=True)),
                ("counted_on", models.DateField(help_text="A day of the period that the number counts in.", null=True)),
                ("void", models.BooleanField(null=True)),
                ("metadata", facts(null=True)),
                (
                    "native",
                    models.BooleanField(help_text="The number looks like one of the series' own template.", null=True),
                ),
                ("prefix", models.TextField(help_text="What stands before the counter.", null=True)),
                ("problem", models.TextField(null=True)),
            ],
            {
                "default_permissions": (),
                "indexes": [Index(fields=["batch", "counted_on"], name="ledger_adoptingrow_day")],
            },
        ),
        migrations.CreateModel(
            "AdoptedGap",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("adoption", kept("ledger.adoption", related_name="gaps")),
                ("period", kept("ledger.period", db_index=False, related_name="adopted_gaps")),
            ],
            {"default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "Entry",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("value", models.BigIntegerField()),
                ("kind", text(8, choices=[("issued", "issued"), ("gap", "gap"), ("adopted", "adopted")])),
                ("number", text(100)),
                ("document", text(blank=True, default="")),
                ("issued_on", models.DateField()),
                ("issued_at", written_at()),
                ACTOR,
                ("metadata", facts(blank=True, default=dict)),
                (
                    "replaces",
                    id_of(
                        "ledger.entry",
                        blank=True,
                        help_text="The void number of the same document in whose place this one was given.",
                        null=True,
                        related_name="replaced_by",
                    ),
                ),
                ("period", id_of("ledger.period", related_name=None)),
            ],
            {
                "verbose_name_plural": "entries",
                "permissions": [("void_number", "Can void a number")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            "GapFlagged",
            [],
            {
                "verbose_name_plural": "gaps flagged",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            "NumberAdopted",
            [],
            {
                "verbose_name_plural": "numbers adopted",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            "NumberIssued",
            [],
            {
                "verbose_name_plural": "numbers issued",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            "FindingRaised",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("system", text()),
                (
                    "kind",
                    text(
                        16,
                        choices=[
                            ("missing", "missing there"),
                            ("unknown", "unknown here"),
                            ("void-there", "void there, not here"),
                            ("void-here", "void here, not there"),
                            ("duplicate", "duplicate there"),
                            ("other-number", "same document, another number there"),
                            ("other-period", "dated in another period there"),
                            ("deleted", "deleted there"),
                            ("reused", "reused there after its document died"),
                            ("gap", "a gap here, in use there"),
                            ("other-document", "another document there"),
                            ("other-amount", "another amount there"),
                            ("other-spelling", "spelled differently there"),
                            ("no-document", "its document is gone"),
                        ],
                    ),
                ),
                ("subject", models.TextField()),
                ("occurrence", models.IntegerField(default=1)),
                ("number", text(300)),
                ("document", text(300, blank=True, default="")),
                ("facts", facts(default=dict)),
                ("raised_at", written_at()),
                ("entry", kept("ledger.entry", blank=True, null=True, related_name="findings")),
            ],
            {
                "verbose_name_plural": "findings raised",
                "permissions": [("acknowledge_finding", "Can acknowledge a finding")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            "FindingAcknowledged",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("reason", models.TextField()),
                ACTOR,
                ("acknowledged_at", written_at()),
                ("finding", kept("ledger.findingraised", related_name="acknowledgements")),
            ],
            {
                "verbose_name_plural": "findings acknowledged",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_findingacknowledged_of")],
            },
        ),
        migrations.CreateModel(
            "FindingResolved",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("resolved_at", written_at()),
                ("finding", kept("ledger.findingraised", related_name="resolutions")),
            ],
            {"verbose_name_plural": "findings resolved", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "GapExplained",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("explanation", models.TextField()),
                ACTOR,
                ("explained_at", written_at()),
                ("adopted_gap", kept("ledger.adoptedgap", blank=True, null=True, related_name="explanations")),
                ("entry", kept("ledger.entry", blank=True, null=True, related_name="explanations")),
            ],
            {
                "verbose_name_plural": "gaps explained",
                "permissions": [("explain_gap", "Can explain a gap")],
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_gapexplained_of")],
            },
        ),
        migrations.CreateModel(
            "HoleHealed",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("healed_at", written_at()),
                ("entry", kept("ledger.entry", related_name="+")),
                ("hole", kept("ledger.holereported", related_name="healings")),
            ],
            {"verbose_name_plural": "holes healed", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "NumberVoided",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("reason", models.TextField()),
                ("replacement", text(blank=True, default="", help_text="Key or number of the replacing document.")),
                ACTOR,
                ("voided_at", written_at()),
                ("entry", kept("ledger.entry", related_name="voids")),
            ],
            {"verbose_name_plural": "numbers voided", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "NumberRegistered",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("authority", text(60, help_text="Such as PL KSeF.")),
                ("reference", text(help_text="The authority's own name of the document.")),
                ("digest", text(64, blank=True, default="", help_text="SHA-256 of what was sent, hexadecimal.")),
                ACTOR,
                ("registered_at", written_at()),
                ("entry", kept("ledger.entry", db_index=False, related_name="registrations")),
            ],
            {"verbose_name_plural": "numbers registered", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "PendingComparison",
            [ID, TENANT, ("system", text()), ("subject", models.TextField())],
            {
                "default_permissions": (),
                "indexes": [Index(fields=["tenant", "system"], name="ledger_pendingcomparison_of")],
            },
        ),
        migrations.AddField("holereported", "period", kept("ledger.period", db_index=False, related_name="+")),
        migrations.CreateModel(
            "GapDeclared",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("authority", text(60, help_text="Such as BR NF-e.")),
                ("reference", text(help_text="The protocol or receipt that the authority gave.")),
                ("justification", models.TextField(blank=True, default="")),
                ACTOR,
                ("declared_at", written_at()),
                ("period", kept("ledger.period", db_index=False, related_name="declarations")),
            ],
            {"verbose_name_plural": "gaps declared", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "DraftMade",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("ordinal", models.BigIntegerField()),
                ("value", models.BigIntegerField(blank=True, null=True)),
                ("number", text(100, help_text="As the accounting system wrote it.")),
                ("system", text(100, help_text="Its name in LEDGER_ACCOUNTING.")),
                ("remote_id", text(300, help_text="The accounting system's own key.")),
                ("reference", text(help_text="Ours, which the draft bears there.")),
                ("refusal", models.TextField(blank=True, default="", help_text="Why the number was not taken.")),
                ("drafted_at", written_at()),
                ("period", kept("ledger.period", db_index=False, related_name="+")),
            ],
            {"verbose_name_plural": "drafts made", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "PeriodChanged",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("old", facts(default=dict)),
                ("new", facts(default=dict)),
                ACTOR,
                ("changed_at", written_at()),
                ("period", kept("ledger.period", related_name="changes")),
            ],
            {
                "verbose_name_plural": "changes of periods",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_periodchanged_of")],
            },
        ),
        migrations.CreateModel(
            "Pool",
            [
                ("pk", together("tenant", "period_id")),
                TENANT,
                ("free_from", models.BigIntegerField()),
                ("stragglers", ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("batch_from", models.BigIntegerField()),
                ("batch", models.IntegerField()),
                ("minted_at", written_at()),
                ("period", id_of("ledger.period")),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "RemoteDocument",
            [
                ID,
                TENANT,
                ("system", text(help_text="Its name in LEDGER_ACCOUNTING.")),
                ("remote_id", text(300)),
                ("number", text(300, blank=True, default="")),
                (
                    "state",
                    text(
                        8, choices=[("draft", "draft"), ("posted", "posted"), ("void", "void"), ("deleted", "deleted")]
                    ),
                ),
                ("issued_on", models.DateField(blank=True, null=True)),
                ("reference", text(300, blank=True, default="", help_text="The key of our document.")),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("total", models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True)),
                ("currency", text(300, blank=True, db_default="", default="")),
                ("customer", text(600, blank=True, db_default="", default="")),
                ("spelling", text(300, blank=True, db_default="", default="")),
                ("first_seen_at", written_at()),
                ("seen_at", written_at()),
                ("seen_in", models.BigIntegerField()),
            ],
            {
                "default_permissions": ("view",),
                "indexes": [
                    Index(F("tenant"), F("system"), Upper("number"), name="ledger_remotedocument_number"),
                    Index(
                        condition=Q(("reference__gt", "")),
                        fields=["tenant", "system", "reference"],
                        name="ledger_remotedocument_ref",
                    ),
                    Index(
                        condition=Q(("spelling__gt", "")),
                        fields=["tenant", "system", "spelling"],
                        name="ledger_remotedocument_spelling",
                    ),
                ],
                "constraints": [
                    UniqueConstraint(fields=("tenant", "system", "remote_id"), name="ledger_remotedocument_id"),
                    CheckConstraint(
                        condition=Q(("state__in", ("draft", "posted", "void", "deleted"))),
                        name="ledger_remotedocument_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "ExpectedDocument",
            [
                ID,
                TENANT,
                ("system", text()),
                ("remote_id", text(300, blank=True, default="")),
                ("total", models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True)),
                ("currency", text(300, blank=True, default="")),
                ("customer", text(300, blank=True, default="")),
                ("entry", id_of("ledger.entry")),
            ],
            {
                "default_permissions": ("view",),
                "constraints": [
                    UniqueConstraint(fields=("tenant", "system", "entry"), name="ledger_expecteddocument_entry")
                ],
            },
        ),
        migrations.CreateModel(
            "RemoteReading",
            [
                ID,
                TENANT,
                ("system", text()),
                ("generation", models.BigIntegerField(default=0)),
                ("begun_at", models.DateTimeField(blank=True, null=True)),
                ("since", models.DateTimeField(blank=True, null=True)),
                ("cursor", models.TextField(blank=True, default="")),
                ("full", models.BooleanField(default=True)),
                ("pages", models.BigIntegerField(default=0)),
                ("documents", models.BigIntegerField(default=0)),
                ("read_from", models.DateTimeField(blank=True, null=True)),
                ("full_from", models.DateTimeField(blank=True, null=True)),
                ("covers_from", models.DateTimeField(blank=True, null=True)),
                ("full_owed", models.BooleanField(default=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                ("compared_horizon", models.BigIntegerField(blank=True, null=True)),
                ("compared_through", models.DateTimeField(blank=True, null=True)),
                ("compared_by", models.TextField(blank=True, default="")),
                ("error", models.TextField(blank=True, default="")),
                (
                    "needs_person",
                    models.BooleanField(default=False, help_text="It will fail again until somebody acts."),
                ),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
            ],
            {
                "default_permissions": ("view",),
                "permissions": [("read_books", "Can compare books in a file")],
                "constraints": [UniqueConstraint(fields=("tenant", "system"), name="ledger_remotereading_system")],
            },
        ),
        migrations.CreateModel(
            "ScanPosition",
            [
                ("pk", together("tenant", "period_id")),
                TENANT,
                ("through", models.BigIntegerField()),
                ("scanned_at", written_at()),
                ("period", id_of("ledger.period")),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "Series",
            [
                ID,
                ("tenant", text(blank=True, default="", help_text="Who owns the numbers.")),
                ("code", text(help_text="The name that code calls it by, such as invoice.")),
                ("template", text(help_text="Such as INV-{year}-{counter:06} or R{fy_start}/{fy_end}-{counter:04}.")),
                (
                    "calendar",
                    text(
                        20,
                        choices=[
                            ("never", "never: one period for ever"),
                            ("year", "calendar year"),
                            ("fiscal-year", "fiscal year"),
                            ("quarter", "quarter"),
                            ("month", "month"),
                            ("day", "day"),
                            ("explicit", "explicit: each period is opened by hand"),
                        ],
                        default="year",
                    ),
                ),
                (
                    "fiscal_start",
                    text(5, default="01-01", help_text="Month and day on which the fiscal year begins, such as 04-01."),
                ),
                (
                    "max_days_ahead",
                    models.PositiveIntegerField(
                        db_default=400,
                        default=400,
                        help_text="So many days after today a document may be dated at most.",
                    ),
                ),
                ("time_zone", text(64, help_text="Decides the business date, such as Europe/Berlin.")),
                (
                    "allocation",
                    text(
                        12,
                        choices=[
                            ("serial", "serial: the counter is locked until the checkout commits"),
                            ("at_commit", "at_commit: numbered while the checkout commits"),
                            ("pooled", "pooled: taken from values minted ahead, and given back on rollback"),
                            (
                                "reserved",
                                "reserved: kept for good before the checkout goes on, and a gap if it rolls back",
                            ),
                            ("remote", "remote: taken from drafts in an accounting system, and given back on rollback"),
                        ],
                        default="serial",
                    ),
                ),
                (
                    "system",
                    text(
                        100,
                        blank=True,
                        db_default="",
                        default="",
                        help_text=(
                            "Remote: the accounting system whose numbers it gives out, by its name in "
                            "LEDGER_ACCOUNTING."
                        ),
                    ),
                ),
                (
                    "give_back",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text=(
                            "Pooled: a value that a rolled-back checkout gave back may go to a later document. "
                            "Switched off, it becomes a flagged gap."
                        ),
                    ),
                ),
                (
                    "start_value",
                    models.BigIntegerField(
                        default=1,
                        help_text=(
                            "The first value of each period. To go on after another system's last number, open the "
                            "period of today with a first value of its own."
                        ),
                    ),
                ),
                (
                    "max_length",
                    models.PositiveSmallIntegerField(default=60, help_text="The longest number, in characters."),
                ),
                (
                    "chronological",
                    models.BooleanField(
                        default=False, help_text="Refuse a date before the last one issued in the same period."
                    ),
                ),
                (
                    "early_release",
                    flag(
                        help_text=(
                            "Serial, at_commit, reserved: COMMIT lets the next checkout have the counter before the "
                            "disk is done. Nobody is told a number earlier; what else the checkout wrote is visible "
                            "to others a moment sooner."
                        )
                    ),
                ),
                (
                    "rules",
                    text(
                        100,
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Whose rules Folio checks, such as DE, or DE,FR-einvoice; empty: none.",
                    ),
                ),
                (
                    "close_after_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text=(
                            "So many days after its end a sweep closes a period for good; empty: it is closed by hand."
                        ),
                        null=True,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(default=True, help_text="A series that is switched off gives out no number."),
                ),
                ("rules_length", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("rules_highest", models.BigIntegerField(editable=False, null=True)),
                ("rules_authorised", models.DateField(editable=False, null=True)),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
            ],
            {
                "verbose_name_plural": "series",
                "ordering": ["tenant", "code"],
                "constraints": [
                    UniqueConstraint(fields=("tenant", "code"), name="ledger_series_code"),
                    CheckConstraint(condition=Q(("start_value__gte", 0)), name="ledger_series_start_value"),
                    CheckConstraint(
                        condition=Q(("max_length__gte", 1), ("max_length__lte", 100)), name="ledger_series_max_length"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "Reservation",
            [
                ID,
                TENANT,
                ("value", models.BigIntegerField()),
                ("document", text(blank=True, default="")),
                ("issued_on", models.DateField(help_text="The business date that the checkout asked for.")),
                ACTOR,
                (
                    "checkout_transaction_id",
                    models.BigIntegerField(help_text="The transaction that asked for the value."),
                ),
                ("reserved_at", written_at()),
                ("period", id_of("ledger.period")),
                ("series", id_of("ledger.series")),
            ],
            {"default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "RemotePool",
            [
                ID,
                TENANT,
                ("system", text(100)),
                ("wanted", models.IntegerField(db_default=0, default=0)),
                ("claimed_by", text(100, blank=True, db_default="", default="")),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("refilled_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, db_default="", default="")),
                ("needs_person", flag()),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                ("full_look_at", written_at()),
                ("looked_through", models.BigIntegerField(db_default=0, default=0)),
                ("series", id_of("ledger.series")),
            ],
            {"default_permissions": ("view",)},
        ),
        migrations.AddField("period", "series", kept("ledger.series", related_name="periods")),
        migrations.AddField("entry", "series", id_of("ledger.series", related_name=None)),
        migrations.AddField("adoption", "series", kept("ledger.series", related_name="adoptions")),
        migrations.CreateModel(
            "SeriesChanged",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("old", facts(default=dict)),
                ("new", facts(default=dict)),
                ACTOR,
                ("changed_at", written_at()),
                ("series", kept("ledger.series", related_name="changes")),
            ],
            {
                "verbose_name_plural": "changes of series",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_serieschanged_of")],
            },
        ),
        migrations.CreateModel(
            "Slot",
            [
                ("pk", together("tenant", "period_id", "value")),
                TENANT,
                ("value", models.BigIntegerField()),
                ("period", id_of("ledger.period")),
            ],
            {"default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "SweepRun",
            [
                ID,
                ("sweep", text(220)),
                ("started_at", written_at()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("counts", facts(default=dict)),
                ("error", models.TextField(blank=True, default="")),
                ("process", text(120, help_text="Host and process id.")),
                (
                    "batches",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Over how many batches the work was spread; empty: it was done in one go.",
                        null=True,
                    ),
                ),
            ],
            {
                "default_permissions": ("view",),
                "indexes": [
                    Index(fields=["sweep", "-started_at"], name="ledger_sweeprun_latest"),
                    Index(
                        condition=Q(("error", ""), ("finished_at__isnull", False)),
                        fields=["sweep", "-finished_at"],
                        name="ledger_sweeprun_success",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "SweepBatch",
            [
                ID,
                ("number", models.PositiveIntegerField()),
                ("started_at", written_at()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("counts", facts(default=dict)),
                ("error", models.TextField(blank=True, default="")),
                ("process", text(120, help_text="Host and process id.")),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False, on_delete=models.CASCADE, related_name="parts", to="ledger.sweeprun"
                    ),
                ),
            ],
            {"verbose_name_plural": "sweep batches", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "TenantAccess",
            [ID, TENANT, ("user", text()), ("granted_at", written_at())],
            {
                "verbose_name": "access to a tenant",
                "verbose_name_plural": "access to tenants",
                "default_permissions": ("add", "delete", "view"),
                "indexes": [Index(fields=["user"], name="ledger_tenantaccess_user")],
                "constraints": [UniqueConstraint(fields=("tenant", "user"), name="ledger_tenantaccess_once")],
            },
        ),
        migrations.CreateModel(
            "Ticket",
            [
                ID,
                ("transaction_id", models.BigIntegerField(db_index=True)),
                TENANT,
                ("code", text(help_text="That of the series.")),
                ("documents", ArrayField(base_field=models.TextField(), size=None)),
                ("entry_ids", ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("issued_on", models.DateField()),
                ("on_stated", models.BooleanField(help_text="The caller chose the date.")),
                (
                    "slides",
                    models.BooleanField(help_text="The date is that of the commit, so that dates never decrease."),
                ),
                (
                    "tells",
                    models.BooleanField(
                        help_text="A notice at COMMIT tells the client the number, which saves it a query."
                    ),
                ),
                ACTOR,
                ("metadata", facts(null=True)),
                ("replaces_id", models.BigIntegerField(null=True)),
                ("period", id_of("ledger.period")),
                ("series", id_of("ledger.series")),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "DraftCancelled",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("state", text(20, help_text="What it is there now: void or deleted.")),
                ACTOR,
                ("cancelled_at", written_at()),
                ("draft", kept("ledger.draftmade", related_name="cancellations")),
            ],
            {
                "verbose_name_plural": "drafts cancelled",
                "default_permissions": ("view",),
                "constraints": [UniqueConstraint(fields=("tenant", "draft"), name="ledger_draftcancelled_once")],
            },
        ),
        migrations.AddIndex(
            "findingraised", Index(fields=["tenant", "system", "subject"], name="ledger_findingraised_subject")
        ),
        *constrained(
            "findingraised",
            UniqueConstraint(
                fields=("tenant", "system", "kind", "subject", "occurrence"), name="ledger_findingraised_once"
            ),
            CheckConstraint(condition=Q(("occurrence__gte", 1)), name="ledger_findingraised_counts"),
        ),
        *constrained(
            "findingresolved", UniqueConstraint(fields=("tenant", "finding"), name="ledger_findingresolved_once")
        ),
        *constrained(
            "gapexplained",
            CheckConstraint(
                condition=Q(
                    Q(("adopted_gap__isnull", True), ("entry__isnull", False)),
                    Q(("adopted_gap__isnull", False), ("entry__isnull", True)),
                    _connector="OR",
                ),
                name="ledger_gapexplained_one_subject",
            ),
        ),
        *constrained("holehealed", UniqueConstraint(fields=("tenant", "hole"), name="ledger_holehealed_once")),
        *constrained(
            "numberregistered",
            UniqueConstraint(fields=("tenant", "entry", "authority"), name="ledger_numberregistered_once"),
            UniqueConstraint(fields=("tenant", "authority", "reference"), name="ledger_numberregistered_reference"),
        ),
        *constrained("numbervoided", UniqueConstraint(fields=("tenant", "entry"), name="ledger_numbervoided_once")),
        *constrained(
            "holereported", UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_holereported_value")
        ),
        *constrained(
            "gapdeclared",
            UniqueConstraint(
                fields=("tenant", "period", "authority", "first_value"), name="ledger_gapdeclared_first_value"
            ),
            CheckConstraint(condition=Q(("first_value__lte", F("last_value"))), name="ledger_gapdeclared_order"),
        ),
        *constrained(
            "draftmade",
            UniqueConstraint(fields=("tenant", "period", "ordinal"), name="ledger_draftmade_ordinal"),
            UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_draftmade_value"),
            UniqueConstraint(fields=("tenant", "system", "remote_id"), name="ledger_draftmade_remote_id"),
            UniqueConstraint(
                F("tenant"), Upper("number"), condition=Q(("value__isnull", False)), name="ledger_draftmade_number"
            ),
        ),
        *constrained(
            "adoptedgap",
            UniqueConstraint(fields=("tenant", "period", "first_value"), name="ledger_adoptedgap_first_value"),
            CheckConstraint(condition=Q(("first_value__lte", F("last_value"))), name="ledger_adoptedgap_order"),
        ),
        *constrained(
            "reservation",
            UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_reservation_value"),
            UniqueConstraint(
                condition=Q(("document__gt", "")),
                fields=("tenant", "period", "document"),
                name="ledger_reservation_document",
            ),
        ),
        *constrained("remotepool", UniqueConstraint(fields=("tenant", "series"), name="ledger_remotepool_series")),
        migrations.AddIndex(
            "series", Index(F("tenant"), Collate(Upper(TEMPLATE_HEAD), "C"), name="ledger_series_head")
        ),
        migrations.AddIndex("period", Index(F("tenant"), Collate(Upper("prefix"), "C"), name="ledger_period_prefix")),
        *constrained(
            "period",
            UniqueConstraint(fields=("tenant", "series", "starts_on", "ordinal"), name="ledger_period_starts_on"),
        ),
        migrations.AddIndex(
            "entry", Index(condition=Q(("kind", "gap")), fields=["tenant", "period", "value"], name="ledger_entry_gaps")
        ),
        *constrained(
            "entry",
            UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_entry_value"),
            UniqueConstraint(F("tenant"), Upper("number"), name="ledger_entry_number"),
            UniqueConstraint(
                condition=Q(("document__gt", "")),
                fields=("tenant", "series", "document", "replaces"),
                name="ledger_entry_document",
                nulls_distinct=False,
            ),
            UniqueConstraint(
                condition=Q(("replaces__isnull", False)), fields=("tenant", "replaces"), name="ledger_entry_replaces"
            ),
        ),
        *constrained("sweepbatch", UniqueConstraint(fields=("run", "number"), name="ledger_sweepbatch_once")),
        migrations.CreateModel(
            "AlarmRaised",
            [
                ID,
                *WRITTEN_BY_THE_DATABASE,
                ("tenant", models.TextField(blank=True, null=True)),
                ("kind", text(40)),
                ("rule", models.SmallIntegerField(blank=True, null=True)),
                ("series", text(blank=True, default="", help_text="Its code.")),
                ("starts_on", models.DateField(blank=True, help_text="The first day of the period.", null=True)),
                ("ordinal", models.IntegerField(default=0, help_text="0, or the place of an authorised range.")),
                ("value", models.BigIntegerField(blank=True, null=True)),
                ("through", models.BigIntegerField(blank=True, null=True)),
                ("number", models.TextField(blank=True, default="")),
                ("table_name", text(63, blank=True, default="")),
                ("row_id", models.BigIntegerField(blank=True, help_text="Its id in that table.", null=True)),
                ("problem", models.TextField()),
                ("remedy", models.TextField()),
                ("subject", text(64)),
                ("occurrence", models.IntegerField(default=1)),
                ("raised_at", written_at()),
            ],
            {
                "verbose_name_plural": "alarms raised",
                "permissions": [("acknowledge_alarm", "Can acknowledge an alarm")],
                "default_permissions": ("view",),
                "constraints": [
                    UniqueConstraint(
                        fields=("tenant", "subject", "occurrence"), name="ledger_alarmraised_once", nulls_distinct=False
                    ),
                    CheckConstraint(condition=Q(("occurrence__gte", 1)), name="ledger_alarmraised_counts"),
                ],
            },
        ),
        migrations.CreateModel(
            "AlarmResolved",
            [
                ID,
                *WRITTEN_BY_THE_DATABASE,
                ("tenant", models.TextField(blank=True, null=True)),
                ("resolved_at", written_at()),
                ("alarm", kept("ledger.alarmraised", related_name="resolutions")),
            ],
            {
                "verbose_name_plural": "alarms resolved",
                "default_permissions": ("view",),
                "constraints": [
                    UniqueConstraint(fields=("tenant", "alarm"), name="ledger_alarmresolved_once", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            "AlarmAcknowledged",
            [
                ID,
                *WRITTEN_BY_THE_DATABASE,
                ("tenant", models.TextField(blank=True, null=True)),
                ("reason", models.TextField()),
                ACTOR,
                ("acknowledged_at", written_at()),
                ("alarm", kept("ledger.alarmraised", related_name="acknowledgements")),
            ],
            {
                "verbose_name_plural": "alarms acknowledged",
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant"], name="ledger_alarmacknowledged_of")],
            },
        ),
        migrations.CreateModel(
            "LedgerSeal",
            [
                ID,
                *WRITTEN_BY_THE_DATABASE,
                ("tenant", models.TextField(blank=True, null=True)),
                ("number", models.IntegerField()),
                ("place", models.TextField(help_text="System identifier of the server, database, schema.")),
                ("snapshot", models.TextField(help_text="What was visible: pg_current_snapshot().")),
                ("size", models.BigIntegerField(help_text="How many leaves it has.")),
                ("total", models.BigIntegerField(help_text="How many it has with all seals before it.")),
                ("root", text(64)),
                ("previous", text(64, blank=True, default="")),
                ("head", models.TextField()),
                ("key", text(64, blank=True, default="")),
                ("signature", text(128, blank=True, default="")),
                ("cosignature", text(128, blank=True, default="")),
                ("salt", models.BinaryField()),
                ("tables", ArrayField(base_field=models.TextField(), size=None)),
                ("counts", ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("ids", ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("leaves", models.BinaryField()),
                ("state", models.TextField(blank=True, default="")),
                ("horizon", models.BigIntegerField(blank=True, null=True)),
                ("sealed_at", written_at()),
            ],
            {
                "verbose_name_plural": "seals",
                "db_table": "ledger_seal",
                "default_permissions": ("view",),
                "constraints": [
                    UniqueConstraint(fields=("tenant", "number"), name="ledger_seal_number", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            "SealAnchored",
            [
                ID,
                *WRITTEN_BY_THE_DATABASE,
                ("tenant", models.TextField(blank=True, null=True)),
                ("kind", text(20)),
                ("token", models.TextField()),
                ("anchored_at", written_at()),
                ("seal", kept("ledger.ledgerseal", related_name="anchors")),
            ],
            {"verbose_name_plural": "seals anchored", "default_permissions": ("view",)},
        ),
        migrations.CreateModel(
            "AuthorisedRange",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("prefix", text(100, blank=True, default="", help_text="As the authority names it.")),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField(blank=True, null=True)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, null=True)),
                ("authority", text(60, help_text="Such as CO DIAN.")),
                ("reference", text(help_text="Of the resolution, or the code that the authority gave.")),
                ("document_type", text(20, blank=True, default="", help_text="Such as 33, or FT.")),
                (
                    "key_reference",
                    text(blank=True, default="", help_text="Where the technical key is kept; never the key itself."),
                ),
                ("document", text(blank=True, default="", help_text="Where the authority's document is kept.")),
                ACTOR,
                ("authorised_at", written_at()),
                ("period", kept("ledger.period", db_index=False, related_name="authorised_ranges")),
                ("series", kept("ledger.series", db_index=False, related_name="authorised_ranges")),
            ],
            {"verbose_name_plural": "authorised ranges", "default_permissions": ("view", "add")},
        ),
        migrations.CreateModel(
            "RangeLapsed",
            [
                ID,
                TENANT,
                *WRITTEN_BY_THE_DATABASE,
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ACTOR,
                ("lapsed_at", written_at()),
                ("authorised", kept("ledger.authorisedrange", db_index=False, related_name="lapses")),
            ],
            {"verbose_name_plural": "ranges lapsed", "default_permissions": ("view",)},
        ),
        *constrained(
            "authorisedrange",
            UniqueConstraint(fields=("tenant", "period"), name="ledger_authorisedrange_period"),
            UniqueConstraint(
                fields=("tenant", "series", "authority", "reference", "first_value"),
                name="ledger_authorisedrange_reference",
            ),
        ),
        *constrained(
            "rangelapsed",
            UniqueConstraint(fields=("tenant", "authorised"), name="ledger_rangelapsed_once"),
            CheckConstraint(condition=Q(("first_value__lte", F("last_value"))), name="ledger_rangelapsed_order"),
        ),
    ]
