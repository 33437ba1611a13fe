"""The least that a database role needs, by purpose: checkout, void, workers, finance, auditor.

With it, nobody who knows the application's password can change an event, empty a table, switch a trigger off, set a
time or a transaction id, or write a row that no function of the ledger writes. Migrations run as another role, which
owns the tables. Other apps of Folio call ``contribute`` for their tables.
"""

from ledger.grants.applying import apply_grants, grant_again
from ledger.grants.purposes import PURPOSES, TableGrant, contribute
from ledger.grants.statements import Statement, check_name, grant_statements, unbound

__all__ = ["PURPOSES", "Statement", "TableGrant", "apply_grants", "check_name", "contribute", "grant_again"]
__all__ += ["grant_statements", "unbound"]
