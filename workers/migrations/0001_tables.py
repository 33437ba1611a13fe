# What worker processes share.

import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import ledger.models.columns
from ledger.migrations._operations import KeepRows


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="PushPosition",
            fields=[
                (
                    "system",
                    ledger.models.columns.ShortTextField(
                        help_text="Its name in LEDGER_ACCOUNTING.", max_length=200, primary_key=True, serialize=False
                    ),
                ),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("through", models.BigIntegerField(default=0, help_text="A transaction id.")),
                ("scope", models.JSONField(default=dict)),
                ("looked_in_full_at", models.DateTimeField(null=True)),
                ("ran_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="", help_text="What stopped the last run, or nothing.")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                (
                    "organisation",
                    ledger.models.columns.ShortTextField(max_length=400, primary_key=True, serialize=False),
                ),
                (
                    "room",
                    models.FloatField(help_text="What is left of a minute's requests, as of counted_at.", null=True),
                ),
                ("counted_at", models.DateTimeField(null=True)),
                ("day", ledger.models.columns.ShortTextField(blank=True, default="", max_length=10)),
                ("used_today", models.IntegerField(default=0)),
                (
                    "tickets",
                    models.JSONField(default=dict, help_text="The requests under way, and until when each one counts."),
                ),
                ("paused_until", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SealedToken",
            fields=[
                (
                    "system",
                    ledger.models.columns.ShortTextField(
                        help_text="Its name in LEDGER_ACCOUNTING.", max_length=200, primary_key=True, serialize=False
                    ),
                ),
                ("sealed", models.TextField(blank=True, default="")),
                ("issued_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Push",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant", ledger.models.columns.ShortTextField(blank=True, max_length=200)),
                (
                    "system",
                    ledger.models.columns.ShortTextField(help_text="Its name in LEDGER_ACCOUNTING.", max_length=200),
                ),
                ("number", ledger.models.columns.ShortTextField(max_length=100)),
                ("document", ledger.models.columns.ShortTextField(blank=True, default="", max_length=200)),
                ("issued_on", models.DateField()),
                (
                    "state",
                    ledger.models.columns.ShortTextField(
                        choices=[
                            ("waiting", "to be pushed"),
                            ("pushed", "pushed"),
                            ("cancelling", "to be cancelled there"),
                            ("cancelled", "cancelled there"),
                            ("conflict", "another there"),
                            ("failed", "for a person"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("claimed_by", ledger.models.columns.ShortTextField(blank=True, default="", max_length=60)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0, help_text="Of the step that is due.")),
                ("last_error", models.TextField(blank=True, default="")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("remote_id", ledger.models.columns.ShortTextField(blank=True, default="", max_length=400)),
                (
                    "facts",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("pushed_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
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
                (
                    "void",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.numbervoided",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "pushes",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ("waiting", "cancelling"))),
                        fields=["tenant", "system", "id"],
                        name="ledger_workers_push_due",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ("conflict", "failed"))),
                        fields=["tenant", "system", "id"],
                        name="ledger_workers_push_stuck",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "system", "entry"), name="ledger_workers_push_entry")
                ],
            },
        ),
        KeepRows("ledger_workers_push"),
    ]
