"""What PostgreSQL knows of the mirror's rows, brought up to date when many came at once."""

from __future__ import annotations

from django.db import connections, router

from ledger.models import RemoteDocument

#: Below so many rows even a plan that reads all of them for each number is soon over.
MANY = 5000

# Whether this role may analyze the table: its owner may, and from PostgreSQL 17 on who was granted MAINTAIN.
_MAY = """
    SELECT pg_has_role(c.relowner, 'USAGE')
        OR CASE WHEN current_setting('server_version_num')::int >= 170000
                THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END
    FROM pg_class c WHERE c.oid = 'ledger_remotedocument'::regclass
"""


def refresh_statistics(documents: int, *, using: str | None = None) -> bool:
    """Analyze the mirror after ``documents`` of a system were read, where that is worth it and this role may; whether.

    A system that no statistics know seems to have one row, so that any index seems as good as that of the number: a
    comparison might then read all of its rows for each number. Autovacuum does the same a minute later. Call it
    outside a transaction, or its lock lasts as long as that.
    """
    if documents < MANY:
        return False
    with connections[using or router.db_for_write(RemoteDocument)].cursor() as cursor:
        cursor.execute(_MAY)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("ANALYZE ledger_remotedocument")
    return True
