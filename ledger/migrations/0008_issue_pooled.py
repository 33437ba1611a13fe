from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_guards_of_queues")]
    operations = [RunSQLFile("issue_pooled")]
