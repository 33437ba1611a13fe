from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_issue_reserved")]
    operations = [RunSQLFile("issue_at_commit")]
