from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_issue_at_commit")]
    operations = [RunSQLFile("gaps")]
