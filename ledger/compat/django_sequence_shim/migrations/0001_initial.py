"""In the place of django-sequence's first migration: the model that data migrations ask for, and no table."""

from typing import ClassVar

from django.db import migrations, models

from ledger.compat.django_sequence_shim.models import NothingManager, SequenceManager


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar = [("ledger", "0002_functions_and_guards")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Sequence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(max_length=50)),
                ("org_id", models.CharField(blank=True, max_length=255)),
                ("prefix", models.CharField(max_length=20)),
                ("current_value", models.PositiveBigIntegerField(default=0)),
                ("pad_width", models.PositiveSmallIntegerField(default=6)),
                ("include_year", models.BooleanField(default=True)),
            ],
            options={
                "managed": False,
                "default_permissions": (),
                "base_manager_name": "nothing",
                "default_manager_name": "nothing",
            },
            managers=[("objects", SequenceManager()), ("nothing", NothingManager())],
        )
    ]
