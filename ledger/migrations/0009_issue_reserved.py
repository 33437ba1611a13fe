from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_issue_pooled")]
    operations = [RunSQLFile("issue_reserved")]
