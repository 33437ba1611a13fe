# What worker processes share.

from django.db import migrations, models
from django.db.models import Index, Q, UniqueConstraint
from django.db.models.functions import Now

from ledger.migrations._columns import ID, TENANT, facts, id_of, text
from ledger.migrations._operations import KeepRows


class Migration(migrations.Migration):
    initial = True
    dependencies = [("ledger", "0001_tables")]
    operations = [
        migrations.CreateModel(
            "PushPosition",
            [
                ("system", text(help_text="Its name in LEDGER_ACCOUNTING.", primary_key=True, serialize=False)),
                ("tenant", text(blank=True, default="")),
                ("through", models.BigIntegerField(default=0, help_text="A transaction id.")),
                ("scope", models.JSONField(default=dict)),
                ("looked_in_full_at", models.DateTimeField(null=True)),
                ("ran_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="", help_text="What stopped the last run, or nothing.")),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "Quota",
            [
                ("organisation", text(400, primary_key=True, serialize=False)),
                (
                    "room",
                    models.FloatField(help_text="What is left of a minute's requests, as of counted_at.", null=True),
                ),
                ("counted_at", models.DateTimeField(null=True)),
                ("day", text(10, blank=True, default="")),
                ("used_today", models.IntegerField(default=0)),
                (
                    "tickets",
                    models.JSONField(default=dict, help_text="The requests under way, and until when each one counts."),
                ),
                ("paused_until", models.DateTimeField(null=True)),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "SealedToken",
            [
                ("system", text(help_text="Its name in LEDGER_ACCOUNTING.", primary_key=True, serialize=False)),
                ("sealed", models.TextField(blank=True, default="")),
                ("issued_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            {"default_permissions": ()},
        ),
        migrations.CreateModel(
            "Push",
            [
                ID,
                TENANT,
                ("system", text(help_text="Its name in LEDGER_ACCOUNTING.")),
                ("number", text(100)),
                ("document", text(blank=True, default="")),
                ("issued_on", models.DateField()),
                (
                    "state",
                    text(
                        10,
                        choices=[
                            ("waiting", "to be pushed"),
                            ("pushed", "pushed"),
                            ("cancelling", "to be cancelled there"),
                            ("cancelled", "cancelled there"),
                            ("conflict", "another there"),
                            ("failed", "for a person"),
                        ],
                        default="waiting",
                    ),
                ),
                ("found_at", models.DateTimeField(db_default=Now())),
                ("claimed_by", text(60, blank=True, default="")),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0, help_text="Of the step that is due.")),
                ("last_error", models.TextField(blank=True, default="")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("remote_id", text(400, blank=True, default="")),
                ("facts", facts(blank=True, default=dict)),
                ("pushed_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("entry", id_of("ledger.entry")),
                ("void", id_of("ledger.numbervoided", null=True)),
            ],
            {
                "verbose_name_plural": "pushes",
                "default_permissions": ("view",),
                "indexes": [
                    Index(
                        condition=Q(("state__in", ("waiting", "cancelling"))),
                        fields=["tenant", "system", "id"],
                        name="ledger_workers_push_due",
                    ),
                    Index(
                        condition=Q(("state__in", ("conflict", "failed"))),
                        fields=["tenant", "system", "id"],
                        name="ledger_workers_push_stuck",
                    ),
                ],
                "constraints": [
                    UniqueConstraint(fields=("tenant", "system", "entry"), name="ledger_workers_push_entry")
                ],
            },
        ),
        KeepRows("ledger_workers_push"),
    ]
