# The functions and guards: the texts stand in ledger/sql. `python -m tests.frozen` notes their digests.

from django.db import migrations

from ledger.migrations._operations import InstallFunctionsAndGuards, KeepRows


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_tables")]
    operations = [InstallFunctionsAndGuards(), KeepRows("ledger_entry")]
