from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_issue_serial")]
    operations = [RunSQLFile("search_path")]
