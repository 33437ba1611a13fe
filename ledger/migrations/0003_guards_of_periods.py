from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards_of_events")]
    operations = [RunSQLFile("periods")]
