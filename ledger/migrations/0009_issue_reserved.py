from django.db import migrations

from ledger.migrations._operations import RenewSQLFile, RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_issue_pooled")]
    operations = [RenewSQLFile("issue_serial"), RunSQLFile("issue_reserved")]
