"""In the place of django-sequences' second migration."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sequences", "0001_initial")]
