from django.db import migrations

from ledger.migrations._operations import KeepRows, RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0017_tenant_access")]
    operations = [RunSQLFile("next_value"), KeepRows("ledger_entry")]
