from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_guards_of_periods")]
    operations = [RunSQLFile("issue_serial")]
