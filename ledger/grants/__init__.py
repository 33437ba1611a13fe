"""The least that a database role needs, by purpose: checkout, void, workers, finance, auditor.

With it, nobody who holds the application's password can change an event, empty a table, switch a trigger off, set a
moment or a transaction id, or write a row that no function of the ledger writes. Migrations run as another role, which
owns the tables. Other apps that belong to Folio say what their tables need by ``contribute``.
"""

from ledger.grants.applying import apply_grants, grant_again
from ledger.grants.contributed import TableGrant, contribute
from ledger.grants.purposes import PURPOSES
from ledger.grants.role import check_name, unbound
from ledger.grants.statements import Statement, grant_statements

__all__ = ["PURPOSES", "Statement", "TableGrant", "apply_grants", "check_name", "contribute", "grant_again"]
__all__ += ["grant_statements", "unbound"]
