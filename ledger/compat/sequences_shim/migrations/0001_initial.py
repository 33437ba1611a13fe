"""In the place of django-sequences' first migration, on which others may depend: no table."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
