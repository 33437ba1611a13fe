# The tables, their constraints and indexes, as the models have them.

import django.core.serializers.json
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

import ledger.models.events
from ledger.migrations._operations import RequirePostgreSQL


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        RequirePostgreSQL(),
        migrations.CreateModel(
            name="Adoption",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(help_text="Name of the file.", max_length=255)),
                ("digest", models.CharField(help_text="SHA-256 of the file, hexadecimal.", max_length=64)),
                ("rows", models.BigIntegerField()),
                ("options", models.JSONField(default=dict, help_text="Column mapping and pattern.")),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                (
                    "adopted_at",
                    models.DateTimeField(db_default=ledger.models.events.ClockTimestamp(), editable=False),
                ),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.events.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
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
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, max_length=200)),
                ("value", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("issued", "issued"), ("gap", "gap"), ("adopted", "adopted")], max_length=8
                    ),
                ),
                ("number", models.CharField(max_length=100)),
                ("document", models.CharField(blank=True, default="", max_length=200)),
                ("issued_on", models.DateField()),
                (
                    "issued_at",
                    models.DateTimeField(db_default=ledger.models.events.ClockTimestamp(), editable=False),
                ),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.events.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                (
                    "metadata",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "permissions": [("void_number", "Can void a number")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Period",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, default="", max_length=200)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("prefix", models.CharField(blank=True, max_length=100)),
                ("width", models.SmallIntegerField()),
                ("suffix", models.CharField(blank=True, max_length=100)),
                ("first_value", models.BigIntegerField()),
                ("last_value", models.BigIntegerField()),
                ("max_value", models.BigIntegerField()),
                ("last_issued_on", models.DateField(blank=True, null=True)),
                ("opened_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["tenant", "series", "starts_on"],
                "permissions": [("close_period_now", "Can close a period")],
            },
        ),
        migrations.CreateModel(
            name="AdoptedGap",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, max_length=200)),
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
        migrations.AddField(
            model_name="entry",
            name="period",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="ledger.period",
            ),
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "tenant",
                    models.CharField(blank=True, default="", help_text="Who owns the numbers.", max_length=200),
                ),
                (
                    "code",
                    models.CharField(help_text="The name that code calls it by, such as invoice.", max_length=200),
                ),
                (
                    "template",
                    models.CharField(
                        help_text="Such as INV-{year}-{counter:06} or R{fy_start}/{fy_end}-{counter:04}.",
                        max_length=200,
                    ),
                ),
                (
                    "calendar",
                    models.CharField(
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
                    models.CharField(
                        default="01-01",
                        help_text="Month and day on which the fiscal year begins, such as 04-01.",
                        max_length=5,
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(help_text="Decides the business date, such as Europe/Berlin.", max_length=64),
                ),
                (
                    "allocation",
                    models.CharField(
                        choices=[("serial", "serial: the counter is locked until the checkout commits")],
                        default="serial",
                        max_length=12,
                    ),
                ),
                (
                    "start_value",
                    models.BigIntegerField(default=1, help_text="The first value of each period."),
                ),
                (
                    "max_length",
                    models.PositiveSmallIntegerField(default=60, help_text="The longest number, in characters."),
                ),
                (
                    "chronological",
                    models.BooleanField(
                        default=False,
                        help_text="Refuse a date before the last one issued in the same period.",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(default=True, help_text="A series that is switched off gives out no number."),
                ),
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
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="ledger.series",
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
            name="GapExplained",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, max_length=200)),
                ("explanation", models.TextField()),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                (
                    "explained_at",
                    models.DateTimeField(db_default=ledger.models.events.ClockTimestamp(), editable=False),
                ),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.events.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
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
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("adopted_gap__isnull", True), ("entry__isnull", False)),
                            models.Q(("adopted_gap__isnull", False), ("entry__isnull", True)),
                            _connector="OR",
                        ),
                        name="ledger_gapexplained_one_subject",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NumberVoided",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tenant", models.CharField(blank=True, max_length=200)),
                ("reason", models.TextField()),
                (
                    "replacement",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Key or number of the replacing document.",
                        max_length=200,
                    ),
                ),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                (
                    "voided_at",
                    models.DateTimeField(db_default=ledger.models.events.ClockTimestamp(), editable=False),
                ),
                (
                    "transaction_id",
                    models.BigIntegerField(
                        db_default=django.db.models.functions.comparison.Cast(
                            django.db.models.functions.comparison.Cast(
                                ledger.models.events.TransactionId(), models.TextField()
                            ),
                            models.BigIntegerField(),
                        ),
                        editable=False,
                    ),
                ),
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
                "constraints": [models.UniqueConstraint(fields=("tenant", "entry"), name="ledger_numbervoided_once")],
            },
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
                condition=models.Q(("first_value__lte", models.F("last_value"))),
                name="ledger_adoptedgap_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.UniqueConstraint(
                fields=("tenant", "series", "starts_on"), name="ledger_period_starts_on"
            ),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.UniqueConstraint(
                models.F("tenant"),
                django.db.models.functions.text.Upper("prefix"),
                django.db.models.functions.text.Upper("suffix"),
                name="ledger_period_format",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("tenant", "period", "value"), name="ledger_entry_value"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                models.F("tenant"),
                django.db.models.functions.text.Upper("number"),
                name="ledger_entry_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("document__gt", "")),
                fields=("tenant", "series", "document"),
                name="ledger_entry_document",
            ),
        ),
    ]
