"""Prepared transactions that hold rows of the ledger: they belong to no connection, and outlive a restart."""

from typing import Final

from ledger.cursors import fetch

REMEDY: Final = (
    "Checkouts of that series wait until its role, or a superuser, says COMMIT PREPARED or ROLLBACK PREPARED, also "
    "after a restart. Where nobody prepares any, set max_prepared_transactions to 0."
)

# Each transaction holds the lock of its own id, and what belongs to no connection has no process. Who only reads holds
# nobody up.
_HOLDERS = """
    SELECT p.gid, p.owner, to_char(p.prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
    FROM pg_prepared_xacts p
    WHERE p.database = current_database() AND EXISTS (
        SELECT FROM pg_locks own
        JOIN pg_locks l ON l.virtualtransaction = own.virtualtransaction AND l.pid IS NULL
        JOIN pg_database b ON b.oid = l.database AND b.datname = p.database
        JOIN pg_class e ON e.oid = to_regclass('ledger_entry')
        JOIN pg_class c ON c.oid = l.relation AND c.relnamespace = e.relnamespace
        WHERE own.transactionid = p.transaction AND own.pid IS NULL AND l.mode <> 'AccessShareLock'
          AND pg_catalog.starts_with(c.relname::text, 'ledger_'))
    ORDER BY p.prepared, p.gid
"""


def prepared_holders(alias: str) -> list[str]:
    """A sentence for each, without its full stop."""
    return [
        f"The prepared transaction {gid!a} of the role {role} holds rows of the ledger since {since} UTC"
        for gid, role, since in fetch(alias, _HOLDERS)
    ]
