from django.db import migrations

from ledger.migrations._operations import RunSQLFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_queues")]
    operations = [RunSQLFile("queues")]
