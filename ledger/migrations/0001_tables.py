# The tables, their constraints and indexes, as the models have them.

import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

import ledger.models.columns
from ledger.migrations._operations import RequirePostgreSQL


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        RequirePostgreSQL(),
        migrations.CreateModel(
            name="AccessChanged",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("user", ledger.models.columns.ShortTextField(max_length=200)),
                (
                    "kind",
                    ledger.models.columns.ShortTextField(
                        choices=[("given", "given"), ("taken", "taken away")], max_length=200
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("changed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
            ],
            options={
                "verbose_name_plural": "changes of access",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="AdoptingDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "batch", "day", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("batch", models.TextField()),
                ("day", models.DateField()),
                ("period_id", models.BigIntegerField(null=True)),
                ("problem", models.TextField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Adoption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("source", ledger.models.columns.ShortTextField(help_text="Name of the file.", max_length=255)),
                (
                    "digest",
                    ledger.models.columns.ShortTextField(help_text="SHA-256 of the file, hexadecimal.", max_length=64),
                ),
                ("rows", models.BigIntegerField()),
                (
                    "options",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        help_text="Column mapping and pattern.",
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("adopted_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="DefaultSeries",
            fields=[
                ("code", ledger.models.columns.ShortTextField(max_length=200, primary_key=True, serialize=False)),
                ("settings", models.JSONField()),
            ],
            options={
                "verbose_name_plural": "default series",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="HoleReported",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("value", models.BigIntegerField()),
                (
                    "reported_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
            ],
            options={
                "verbose_name_plural": "holes reported",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Period",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
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
                ("prefix", ledger.models.columns.ShortTextField(blank=True, max_length=100)),
                ("width", models.IntegerField()),
                ("suffix", ledger.models.columns.ShortTextField(blank=True, max_length=100)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("max_value", models.BigIntegerField()),
                ("last_issued_on", models.DateField(blank=True, null=True)),
                (
                    "has_drafts",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Some of its values have the numbers of drafts (DraftMade).",
                    ),
                ),
                (
                    "cut_short",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Its form ended before its time; the days after count on in another.",
                    ),
                ),
                (
                    "moves",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        editable=False,
                        help_text="Its tenant moves or has moved to another home, and numbers nothing here.",
                    ),
                ),
                ("opened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["tenant", "series", "starts_on"],
                "permissions": [("close_period_now", "Can close a period")],
            },
        ),
        migrations.CreateModel(
            name="RolePurpose",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "role", "purpose", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("role", models.TextField()),
                ("purpose", models.TextField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TenantMove",
            fields=[
                (
                    "tenant",
                    ledger.models.columns.ShortTextField(blank=True, max_length=200, primary_key=True, serialize=False),
                ),
                (
                    "state",
                    ledger.models.columns.ShortTextField(
                        choices=[
                            ("leaving", "is leaving"),
                            ("left", "has left; its rows are an old copy"),
                            ("arriving", "is arriving"),
                            ("arrived", "has arrived"),
                            ("dropped", "has left; its old copy was dropped"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "home",
                    ledger.models.columns.ShortTextField(
                        help_text="Where it goes, or where it came from.", max_length=200
                    ),
                ),
                ("digest", ledger.models.columns.ShortTextField(blank=True, default="", max_length=64)),
                ("mover", models.BigIntegerField(null=True)),
                (
                    "changed_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TenantBinding",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "login", "tenant", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("login", models.TextField(help_text="The role that the connection logs in as.")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AdoptingRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch", models.TextField()),
                ("line", models.BigIntegerField()),
                ("value", models.BigIntegerField(null=True)),
                ("number", models.TextField(null=True)),
                ("document", models.TextField(null=True)),
                ("issued_at", models.DateTimeField(null=True)),
                ("issued_on", models.DateField(null=True)),
                (
                    "counted_on",
                    models.DateField(help_text="A day of the period that the number counts in.", null=True),
                ),
                ("void", models.BooleanField(null=True)),
                ("metadata", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                (
                    "native",
                    models.BooleanField(help_text="The number looks like one of the series' own template.", null=True),
                ),
                ("prefix", models.TextField(help_text="What stands before the counter.", null=True)),
                ("problem", models.TextField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["batch", "counted_on"], name="ledger_adoptingrow_day")],
            },
        ),
        migrations.CreateModel(
            name="AdoptedGap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                (
                    "adoption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="gaps", to="ledger.adoption"
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adopted_gaps",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("value", models.BigIntegerField()),
                (
                    "kind",
                    ledger.models.columns.ShortTextField(
                        choices=[("issued", "issued"), ("gap", "gap"), ("adopted", "adopted")], max_length=8
                    ),
                ),
                ("number", ledger.models.columns.ShortTextField(max_length=100)),
                ("document", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("issued_on", models.DateField()),
                ("issued_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "metadata",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="The void number of the same document in whose place this one was given.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="replaced_by",
                        to="ledger.entry",
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "permissions": [("void_number", "Can void a number")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="GapFlagged",
            fields=[],
            options={
                "verbose_name_plural": "gaps flagged",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            name="NumberAdopted",
            fields=[],
            options={
                "verbose_name_plural": "numbers adopted",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            name="NumberIssued",
            fields=[],
            options={
                "verbose_name_plural": "numbers issued",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("ledger.entry",),
        ),
        migrations.CreateModel(
            name="FindingRaised",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("system", ledger.models.columns.ShortTextField(max_length=200)),
                (
                    "kind",
                    ledger.models.columns.ShortTextField(
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
                        max_length=16,
                    ),
                ),
                ("subject", models.TextField()),
                ("occurrence", models.IntegerField(default=1)),
                ("number", ledger.models.columns.ShortTextField(max_length=300)),
                ("document", ledger.models.columns.ShortTextField(blank=True, default="", max_length=300)),
                ("facts", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("raised_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="ledger.entry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "findings raised",
                "permissions": [("acknowledge_finding", "Can acknowledge a finding")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="FindingAcknowledged",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("reason", models.TextField()),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "acknowledged_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acknowledgements",
                        to="ledger.findingraised",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "findings acknowledged",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="FindingResolved",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                (
                    "resolved_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolutions",
                        to="ledger.findingraised",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "findings resolved",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="GapExplained",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("explanation", models.TextField()),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "explained_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "adopted_gap",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="explanations",
                        to="ledger.adoptedgap",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="explanations",
                        to="ledger.entry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "gaps explained",
                "permissions": [("explain_gap", "Can explain a gap")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="HoleHealed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("healed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "entry",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry"),
                ),
                (
                    "hole",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="healings", to="ledger.holereported"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "holes healed",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="NumberVoided",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("reason", models.TextField()),
                (
                    "replacement",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="Key or number of the replacing document.", max_length=200
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("voided_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="voids", to="ledger.entry"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "numbers voided",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="NumberRegistered",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("authority", ledger.models.columns.ShortTextField(help_text="Such as PL KSeF.", max_length=60)),
                (
                    "reference",
                    ledger.models.columns.ShortTextField(
                        help_text="The authority's own name of the document.", max_length=200
                    ),
                ),
                (
                    "digest",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="SHA-256 of what was sent, hexadecimal.", max_length=64
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "registered_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations",
                        to="ledger.entry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "numbers registered",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PendingComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("system", ledger.models.columns.ShortTextField(max_length=200)),
                ("subject", models.TextField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["tenant", "system"], name="ledger_pendingcomparison_of")],
            },
        ),
        migrations.AddField(
            model_name="holereported",
            name="period",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.period"
            ),
        ),
        migrations.CreateModel(
            name="GapDeclared",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("authority", ledger.models.columns.ShortTextField(help_text="Such as BR NF-e.", max_length=60)),
                (
                    "reference",
                    ledger.models.columns.ShortTextField(
                        help_text="The protocol or receipt that the authority gave.", max_length=200
                    ),
                ),
                ("justification", models.TextField(blank=True, default="")),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "declared_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="declarations",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "gaps declared",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="DraftMade",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("ordinal", models.BigIntegerField()),
                ("value", models.BigIntegerField(blank=True, null=True)),
                (
                    "number",
                    ledger.models.columns.ShortTextField(
                        help_text="As the accounting system wrote it.", max_length=100
                    ),
                ),
                (
                    "system",
                    ledger.models.columns.ShortTextField(help_text="Its name in LEDGER_ACCOUNTING.", max_length=100),
                ),
                (
                    "remote_id",
                    ledger.models.columns.ShortTextField(help_text="The accounting system's own key.", max_length=300),
                ),
                (
                    "reference",
                    ledger.models.columns.ShortTextField(
                        help_text="Ours, which the draft bears there.", max_length=200
                    ),
                ),
                ("refusal", models.TextField(blank=True, default="", help_text="Why the number was not taken.")),
                ("drafted_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "drafts made",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PeriodChanged",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("old", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("new", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("changed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="ledger.period"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "changes of periods",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Pool",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant", "period_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("free_from", models.BigIntegerField()),
                (
                    "stragglers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("batch_from", models.BigIntegerField()),
                ("batch", models.IntegerField()),
                ("minted_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RemoteDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                (
                    "system",
                    ledger.models.columns.ShortTextField(help_text="Its name in LEDGER_ACCOUNTING.", max_length=200),
                ),
                ("remote_id", ledger.models.columns.ShortTextField(max_length=300)),
                ("number", ledger.models.columns.ShortTextField(blank=True, default="", max_length=300)),
                (
                    "state",
                    ledger.models.columns.ShortTextField(
                        choices=[("draft", "draft"), ("posted", "posted"), ("void", "void"), ("deleted", "deleted")],
                        max_length=8,
                    ),
                ),
                ("issued_on", models.DateField(blank=True, null=True)),
                (
                    "reference",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="The key of our document.", max_length=300
                    ),
                ),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("total", models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True)),
                (
                    "currency",
                    ledger.models.columns.ShortTextField(blank=True, db_default="", default="", max_length=300),
                ),
                (
                    "customer",
                    ledger.models.columns.ShortTextField(blank=True, db_default="", default="", max_length=600),
                ),
                (
                    "spelling",
                    ledger.models.columns.ShortTextField(blank=True, db_default="", default="", max_length=300),
                ),
                (
                    "first_seen_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                ("seen_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                ("seen_in", models.BigIntegerField()),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        models.F("tenant"),
                        models.F("system"),
                        django.db.models.functions.text.Upper("number"),
                        name="ledger_remotedocument_number",
                    ),
                    models.Index(
                        condition=models.Q(("reference__gt", "")),
                        fields=["tenant", "system", "reference"],
                        name="ledger_remotedocument_ref",
                    ),
                    models.Index(
                        condition=models.Q(("spelling__gt", "")),
                        fields=["tenant", "system", "spelling"],
                        name="ledger_remotedocument_spelling",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "system", "remote_id"), name="ledger_remotedocument_id"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("draft", "posted", "void", "deleted"))),
                        name="ledger_remotedocument_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExpectedDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("system", ledger.models.columns.ShortTextField(max_length=200)),
                ("remote_id", ledger.models.columns.ShortTextField(blank=True, default="", max_length=300)),
                ("total", models.DecimalField(blank=True, decimal_places=6, max_digits=24, null=True)),
                ("currency", ledger.models.columns.ShortTextField(blank=True, default="", max_length=300)),
                ("customer", ledger.models.columns.ShortTextField(blank=True, default="", max_length=300)),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.entry",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "system", "entry"), name="ledger_expecteddocument_entry")
                ],
            },
        ),
        migrations.CreateModel(
            name="RemoteReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("system", ledger.models.columns.ShortTextField(max_length=200)),
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
            options={
                "default_permissions": ("view",),
                "permissions": [("read_books", "Can compare books in a file")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "system"), name="ledger_remotereading_system")
                ],
            },
        ),
        migrations.CreateModel(
            name="ScanPosition",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant", "period_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("through", models.BigIntegerField()),
                ("scanned_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tenant",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="Who owns the numbers.", max_length=200
                    ),
                ),
                (
                    "code",
                    ledger.models.columns.ShortTextField(
                        help_text="The name that code calls it by, such as invoice.", max_length=200
                    ),
                ),
                (
                    "template",
                    ledger.models.columns.ShortTextField(
                        help_text="Such as INV-{year}-{counter:06} or R{fy_start}/{fy_end}-{counter:04}.",
                        max_length=200,
                    ),
                ),
                (
                    "calendar",
                    ledger.models.columns.ShortTextField(
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
                        max_length=20,
                    ),
                ),
                (
                    "fiscal_start",
                    ledger.models.columns.ShortTextField(
                        default="01-01",
                        help_text="Month and day on which the fiscal year begins, such as 04-01.",
                        max_length=5,
                    ),
                ),
                (
                    "max_days_ahead",
                    models.PositiveIntegerField(
                        db_default=400,
                        default=400,
                        help_text="So many days after today a document may be dated at most.",
                    ),
                ),
                (
                    "time_zone",
                    ledger.models.columns.ShortTextField(
                        help_text="Decides the business date, such as Europe/Berlin.", max_length=64
                    ),
                ),
                (
                    "allocation",
                    ledger.models.columns.ShortTextField(
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
                        max_length=12,
                    ),
                ),
                (
                    "system",
                    ledger.models.columns.ShortTextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Remote: the accounting system whose numbers it gives out, by its name in "
                        "LEDGER_ACCOUNTING.",
                        max_length=100,
                    ),
                ),
                (
                    "give_back",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Pooled: a value that a rolled-back checkout gave back may go to a later document. "
                        "Switched off, it becomes a flagged gap.",
                    ),
                ),
                (
                    "start_value",
                    models.BigIntegerField(
                        default=1,
                        help_text="The first value of each period. To go on after another system's last number, open "
                        "the period of today with a first value of its own.",
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
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Serial, at_commit, reserved: COMMIT lets the next checkout have the counter before "
                        "the disk is done. Nobody is told a number earlier; what else the checkout wrote is visible to "
                        "others a moment sooner.",
                    ),
                ),
                (
                    "rules",
                    ledger.models.columns.ShortTextField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Whose rules Folio checks, such as DE, or DE,FR-einvoice; empty: none.",
                        max_length=100,
                    ),
                ),
                (
                    "close_after_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="So many days after its end a sweep closes a period for good; empty: it is closed by "
                        "hand.",
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
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "verbose_name_plural": "series",
                "ordering": ["tenant", "code"],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "code"), name="ledger_series_code"),
                    models.CheckConstraint(
                        condition=models.Q(("start_value__gte", 0)), name="ledger_series_start_value"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_length__gte", 1), ("max_length__lte", 100)),
                        name="ledger_series_max_length",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("value", models.BigIntegerField()),
                ("document", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("issued_on", models.DateField(help_text="The business date that the checkout asked for.")),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "checkout_transaction_id",
                    models.BigIntegerField(help_text="The transaction that asked for the value."),
                ),
                (
                    "reserved_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.series",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="RemotePool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("system", ledger.models.columns.ShortTextField(max_length=100)),
                ("wanted", models.IntegerField(db_default=0, default=0)),
                (
                    "claimed_by",
                    ledger.models.columns.ShortTextField(blank=True, db_default="", default="", max_length=100),
                ),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("refilled_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, db_default="", default="")),
                ("needs_person", models.BooleanField(db_default=False, default=False)),
                ("looked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "full_look_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                ("looked_through", models.BigIntegerField(db_default=0, default=0)),
                (
                    "series",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.series",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="period",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="periods", to="ledger.series"
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="series",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, to="ledger.series"
            ),
        ),
        migrations.AddField(
            model_name="adoption",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="adoptions", to="ledger.series"
            ),
        ),
        migrations.CreateModel(
            name="SeriesChanged",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("old", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("new", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("changed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="ledger.series"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "changes of series",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant", "period_id", "value", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("value", models.BigIntegerField()),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="SweepRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sweep", ledger.models.columns.ShortTextField(max_length=220)),
                ("started_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("counts", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("error", models.TextField(blank=True, default="")),
                ("process", ledger.models.columns.ShortTextField(help_text="Host and process id.", max_length=120)),
                (
                    "batches",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Over how many batches the work was spread; empty: it was done in one go.",
                        null=True,
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["sweep", "-started_at"], name="ledger_sweeprun_latest"),
                    models.Index(
                        condition=models.Q(("error", ""), ("finished_at__isnull", False)),
                        fields=["sweep", "-finished_at"],
                        name="ledger_sweeprun_success",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SweepBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("counts", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("error", models.TextField(blank=True, default="")),
                ("process", ledger.models.columns.ShortTextField(help_text="Host and process id.", max_length=120)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="ledger.sweeprun",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "sweep batches",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="TenantAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("user", ledger.models.columns.ShortTextField(max_length=200)),
                ("granted_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
            ],
            options={
                "verbose_name": "access to a tenant",
                "verbose_name_plural": "access to tenants",
                "default_permissions": ("add", "delete", "view"),
                "indexes": [models.Index(fields=["user"], name="ledger_tenantaccess_user")],
                "constraints": [models.UniqueConstraint(fields=("tenant", "user"), name="ledger_tenantaccess_once")],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("transaction_id", models.BigIntegerField(db_index=True)),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("code", ledger.models.columns.ShortTextField(help_text="That of the series.", max_length=200)),
                ("documents", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                (
                    "entry_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
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
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("metadata", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ("replaces_id", models.BigIntegerField(null=True)),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.period",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.series",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DraftCancelled",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                (
                    "state",
                    ledger.models.columns.ShortTextField(
                        help_text="What it is there now: void or deleted.", max_length=20
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "cancelled_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cancellations", to="ledger.draftmade"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "drafts cancelled",
                "default_permissions": ("view",),
                "constraints": [models.UniqueConstraint(fields=("tenant", "draft"), name="ledger_draftcancelled_once")],
            },
        ),
        migrations.AddIndex(
            model_name="findingraised",
            index=models.Index(fields=["tenant", "system", "subject"], name="ledger_findingraised_subject"),
        ),
        migrations.AddConstraint(
            model_name="findingraised",
            constraint=models.UniqueConstraint(
                fields=("tenant", "system", "kind", "subject", "occurrence"), name="ledger_findingraised_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingraised",
            constraint=models.CheckConstraint(
                condition=models.Q(("occurrence__gte", 1)), name="ledger_findingraised_counts"
            ),
        ),
        migrations.AddConstraint(
            model_name="findingresolved",
            constraint=models.UniqueConstraint(fields=("tenant", "finding"), name="ledger_findingresolved_once"),
        ),
        migrations.AddConstraint(
            model_name="gapexplained",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("adopted_gap__isnull", True), ("entry__isnull", False)),
                    models.Q(("adopted_gap__isnull", False), ("entry__isnull", True)),
                    _connector="OR",
                ),
                name="ledger_gapexplained_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="holehealed",
            constraint=models.UniqueConstraint(fields=("tenant", "hole"), name="ledger_holehealed_once"),
        ),
        migrations.AddConstraint(
            model_name="numberregistered",
            constraint=models.UniqueConstraint(
                fields=("tenant", "entry", "authority"), name="ledger_numberregistered_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="numberregistered",
            constraint=models.UniqueConstraint(
                fields=("tenant", "authority", "reference"), name="ledger_numberregistered_reference"
            ),
        ),
        migrations.AddConstraint(
            model_name="numbervoided",
            constraint=models.UniqueConstraint(fields=("tenant", "entry"), name="ledger_numbervoided_once"),
        ),
        migrations.AddConstraint(
            model_name="holereported",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_holereported_value"),
        ),
        migrations.AddConstraint(
            model_name="gapdeclared",
            constraint=models.UniqueConstraint(
                fields=("tenant", "period", "authority", "first_value"), name="ledger_gapdeclared_first_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="gapdeclared",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_value__lte", models.F("last_value"))), name="ledger_gapdeclared_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="draftmade",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "ordinal"), name="ledger_draftmade_ordinal"),
        ),
        migrations.AddConstraint(
            model_name="draftmade",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_draftmade_value"),
        ),
        migrations.AddConstraint(
            model_name="draftmade",
            constraint=models.UniqueConstraint(
                fields=("tenant", "system", "remote_id"), name="ledger_draftmade_remote_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="draftmade",
            constraint=models.UniqueConstraint(
                models.F("tenant"),
                django.db.models.functions.text.Upper("number"),
                condition=models.Q(("value__isnull", False)),
                name="ledger_draftmade_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedgap",
            constraint=models.UniqueConstraint(
                fields=("tenant", "period", "first_value"), name="ledger_adoptedgap_first_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="adoptedgap",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_value__lte", models.F("last_value"))), name="ledger_adoptedgap_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_reservation_value"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("document__gt", "")),
                fields=("tenant", "period", "document"),
                name="ledger_reservation_document",
            ),
        ),
        migrations.AddConstraint(
            model_name="remotepool",
            constraint=models.UniqueConstraint(fields=("tenant", "series"), name="ledger_remotepool_series"),
        ),
        migrations.AddIndex(
            model_name="period",
            index=models.Index(
                models.F("tenant"),
                django.db.models.functions.comparison.Collate(django.db.models.functions.text.Upper("prefix"), "C"),
                name="ledger_period_prefix",
            ),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.UniqueConstraint(
                fields=("tenant", "series", "starts_on", "ordinal"), name="ledger_period_starts_on"
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("kind", "gap")), fields=["tenant", "period", "value"], name="ledger_entry_gaps"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_entry_value"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                models.F("tenant"), django.db.models.functions.text.Upper("number"), name="ledger_entry_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("document__gt", "")),
                fields=("tenant", "series", "document", "replaces"),
                name="ledger_entry_document",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", False)),
                fields=("tenant", "replaces"),
                name="ledger_entry_replaces",
            ),
        ),
        migrations.AddConstraint(
            model_name="sweepbatch",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="ledger_sweepbatch_once"),
        ),
        migrations.CreateModel(
            name="AlarmRaised",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("tenant", models.TextField(blank=True, null=True)),
                ("kind", ledger.models.columns.ShortTextField(max_length=40)),
                ("rule", models.SmallIntegerField(blank=True, null=True)),
                (
                    "series",
                    ledger.models.columns.ShortTextField(blank=True, default="", help_text="Its code.", max_length=200),
                ),
                ("starts_on", models.DateField(blank=True, help_text="The first day of the period.", null=True)),
                ("value", models.BigIntegerField(blank=True, null=True)),
                ("through", models.BigIntegerField(blank=True, null=True)),
                ("number", models.TextField(blank=True, default="")),
                ("table_name", ledger.models.columns.ShortTextField(blank=True, default="", max_length=63)),
                ("row_id", models.BigIntegerField(blank=True, help_text="Its id in that table.", null=True)),
                ("problem", models.TextField()),
                ("remedy", models.TextField()),
                ("subject", ledger.models.columns.ShortTextField(max_length=64)),
                ("occurrence", models.IntegerField(default=1)),
                ("raised_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
            ],
            options={
                "verbose_name_plural": "alarms raised",
                "permissions": [("acknowledge_alarm", "Can acknowledge an alarm")],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "subject", "occurrence"), name="ledger_alarmraised_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("occurrence__gte", 1)), name="ledger_alarmraised_counts"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlarmResolved",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("tenant", models.TextField(blank=True, null=True)),
                (
                    "resolved_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "alarm",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="resolutions", to="ledger.alarmraised"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "alarms resolved",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "alarm"), name="ledger_alarmresolved_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AlarmAcknowledged",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("tenant", models.TextField(blank=True, null=True)),
                ("reason", models.TextField()),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "acknowledged_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "alarm",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acknowledgements",
                        to="ledger.alarmraised",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "alarms acknowledged",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="LedgerSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("tenant", models.TextField(blank=True, null=True)),
                ("number", models.IntegerField()),
                ("place", models.TextField(help_text="System identifier of the server, database, schema.")),
                ("snapshot", models.TextField(help_text="What was visible: pg_current_snapshot().")),
                ("size", models.BigIntegerField(help_text="How many leaves it has.")),
                ("total", models.BigIntegerField(help_text="How many it has with all seals before it.")),
                ("root", ledger.models.columns.ShortTextField(max_length=64)),
                ("previous", ledger.models.columns.ShortTextField(blank=True, default="", max_length=64)),
                ("head", models.TextField()),
                ("key", ledger.models.columns.ShortTextField(blank=True, default="", max_length=64)),
                ("signature", ledger.models.columns.ShortTextField(blank=True, default="", max_length=128)),
                ("cosignature", ledger.models.columns.ShortTextField(blank=True, default="", max_length=128)),
                ("salt", models.BinaryField()),
                (
                    "tables",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
                ),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("leaves", models.BinaryField()),
                ("state", models.TextField(blank=True, default="")),
                ("horizon", models.BigIntegerField(blank=True, null=True)),
                ("sealed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
            ],
            options={
                "verbose_name_plural": "seals",
                "db_table": "ledger_seal",
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "number"), name="ledger_seal_number", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SealAnchored",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("tenant", models.TextField(blank=True, null=True)),
                ("kind", ledger.models.columns.ShortTextField(max_length=20)),
                ("token", models.TextField()),
                (
                    "anchored_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "seal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="anchors", to="ledger.ledgerseal"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "seals anchored",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="AuthorisedRange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                (
                    "prefix",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="As the authority names it.", max_length=100
                    ),
                ),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField(blank=True, null=True)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(blank=True, null=True)),
                ("authority", ledger.models.columns.ShortTextField(help_text="Such as CO DIAN.", max_length=60)),
                (
                    "reference",
                    ledger.models.columns.ShortTextField(
                        help_text="Of the resolution, or the code that the authority gave.", max_length=200
                    ),
                ),
                (
                    "document_type",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="Such as 33, or FT.", max_length=20
                    ),
                ),
                (
                    "key_reference",
                    ledger.models.columns.ShortTextField(
                        blank=True,
                        default="",
                        help_text="Where the technical key is kept; never the key itself.",
                        max_length=200,
                    ),
                ),
                (
                    "document",
                    ledger.models.columns.ShortTextField(
                        blank=True, default="", help_text="Where the authority's document is kept.", max_length=200
                    ),
                ),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                (
                    "authorised_at",
                    models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorised_ranges",
                        to="ledger.period",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorised_ranges",
                        to="ledger.series",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "authorised ranges",
                "default_permissions": ("view", "add"),
            },
        ),
        migrations.CreateModel(
            name="RangeLapsed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                ("era", models.IntegerField(db_default=1, editable=False)),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.columns.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                (
                    "db_login",
                    models.TextField(
                        db_default=django.db.models.functions.comparison.Cast(
                            ledger.models.columns.SessionUser(), models.TextField()
                        ),
                        editable=False,
                    ),
                ),
                ("db_role", models.TextField(db_default=ledger.models.columns.CurrentRole(), editable=False)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("actor", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("lapsed_at", models.DateTimeField(db_default=ledger.models.columns.ClockTimestamp(), editable=False)),
                (
                    "authorised",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lapses",
                        to="ledger.authorisedrange",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "ranges lapsed",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddConstraint(
            model_name="authorisedrange",
            constraint=models.UniqueConstraint(fields=("tenant", "period"), name="ledger_authorisedrange_period"),
        ),
        migrations.AddConstraint(
            model_name="authorisedrange",
            constraint=models.UniqueConstraint(
                fields=("tenant", "series", "authority", "reference", "first_value"),
                name="ledger_authorisedrange_reference",
            ),
        ),
        migrations.AddConstraint(
            model_name="rangelapsed",
            constraint=models.UniqueConstraint(fields=("tenant", "authorised"), name="ledger_rangelapsed_once"),
        ),
        migrations.AddConstraint(
            model_name="rangelapsed",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_value__lte", models.F("last_value"))), name="ledger_rangelapsed_order"
            ),
        ),
    ]
