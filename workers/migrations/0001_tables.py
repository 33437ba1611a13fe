# What worker processes share.

from django.db import migrations
from django.db.models import (
    BigIntegerField,
    DateField,
    DateTimeField,
    FloatField,
    Index,
    IntegerField,
    JSONField,
    Q,
    TextField,
    UniqueConstraint,
)
from django.db.models.functions import Now

from ledger.migrations._columns import facts, id_of, table, text
from ledger.migrations._operations import KeepRows
from ledger.sql.installing import function_texts

# What programs can't read is kept out, as of the ledger's own tables: moments, days, JSON, numbers, endless texts.
_MOMENT = "{0} >= '0001-01-05 00:00:00+00' AND {0} <= '9999-12-28 00:00:00+00'"
_DAY = "{0} >= '0001-01-01' AND {0} <= '9999-12-31'"
# The function itself comes later.
_FACTS = f"({function_texts()['ledger_is_facts'].split('$$')[1].strip().removeprefix('SELECT ')})".replace(
    "p_facts", "{0}"
)
# PostgreSQL takes NaN for more than infinity.
_FINITE = "{0} > '-infinity' AND {0} < 'infinity'"
_LONG = "octet_length({0}) <= 1048576"
_KEY = "length({0}) <= 200"
_READABLE = {
    "pushposition": dict.fromkeys(("system", "tenant"), _KEY)
    | {"scope": _FACTS, "looked_in_full_at": _MOMENT, "ran_at": _MOMENT, "error": _LONG},
    "quota": {"organisation": "length({0}) <= 400", "day": "length({0}) <= 10", "room": _FINITE}
    | {"tickets": _FACTS, "counted_at": _MOMENT, "paused_until": _MOMENT},
    "sealedtoken": {"system": _KEY, "sealed": _LONG, "issued_at": _MOMENT, "expires_at": _MOMENT},
    "push": dict.fromkeys(("tenant", "system", "number", "document", "state", "claimed_by"), _KEY)
    | {"facts": _FACTS, "issued_on": _DAY, "last_error": _LONG, "remote_id": _LONG}
    | dict.fromkeys(("found_at", "claimed_until", "next_attempt_at", "pushed_at", "cancelled_at"), _MOMENT),
}


class Migration(migrations.Migration):
    initial = True
    dependencies = [("ledger", "0001_tables")]
    operations = [
        table(
            "PushPosition",
            default_permissions=(),
            system=text(primary_key=True, serialize=False),
            tenant=text(blank=True, default=""),
            through=BigIntegerField(default=0),
            scope=JSONField(default=dict),
            looked_in_full_at=DateTimeField(null=True),
            ran_at=DateTimeField(null=True),
            error=TextField(blank=True, default=""),
        ),
        table(
            "Quota",
            default_permissions=(),
            organisation=text(400, primary_key=True, serialize=False),
            room=FloatField(null=True),
            counted_at=DateTimeField(null=True),
            day=text(10, blank=True, default=""),
            used_today=IntegerField(default=0),
            tickets=JSONField(default=dict),
            paused_until=DateTimeField(null=True),
        ),
        table(
            "SealedToken",
            default_permissions=(),
            system=text(primary_key=True, serialize=False),
            sealed=TextField(blank=True, default=""),
            issued_at=DateTimeField(null=True),
            expires_at=DateTimeField(null=True),
        ),
        table(
            "Push",
            indexes=[
                Index(
                    condition=Q(("state__in", ("waiting", "cancelling"))),
                    fields=["tenant", "system", "id"],
                    name="ledger_workers_push_due",
                ),
                Index(
                    condition=Q(("state__in", ("conflict", "failed"))),
                    fields=["tenant", "system", "id"],
                    name="ledger_workers_push_stuck",
                ),
            ],
            constraints=[UniqueConstraint(fields=("tenant", "system", "entry"), name="ledger_workers_push_entry")],
            tenant=text(blank=True),
            system=text(),
            number=text(100),
            document=text(blank=True, default=""),
            issued_on=DateField(),
            state=text(10, default="waiting"),
            found_at=DateTimeField(db_default=Now()),
            claimed_by=text(60, blank=True, default=""),
            claimed_until=DateTimeField(blank=True, null=True),
            attempts=IntegerField(default=0),
            last_error=TextField(blank=True, default=""),
            next_attempt_at=DateTimeField(blank=True, null=True),
            remote_id=text(400, blank=True, default=""),
            facts=facts(blank=True, default=dict),
            pushed_at=DateTimeField(blank=True, null=True),
            cancelled_at=DateTimeField(blank=True, null=True),
            entry=id_of("ledger.entry"),
            void=id_of("ledger.numbervoided", null=True),
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE ledger_workers_{table} ADD CONSTRAINT ledger_workers_{table}_readable"
                f" CHECK ({' AND '.join(rule.replace('{0}', column) for column, rule in rules.items())})",
                "",
            )
            for table, rules in _READABLE.items()
        ),
        KeepRows("ledger_workers_push"),
    ]
