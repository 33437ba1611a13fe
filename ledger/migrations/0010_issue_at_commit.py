from django.db import migrations

from ledger.migrations._operations import RenewSQLFile, RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_issue_reserved")]
    operations = [RenewSQLFile("issue_serial"), RunSQLFile("issue_at_commit")]
