"""The least that an application's role needs: SELECT and INSERT on events, the queues' rows, and the counter's columns.

With it, nobody who holds the application's password can change an event, empty a table, switch a trigger off, or
rewrite a period. Migrations run as another role, which owns the tables. Identity columns need no grants on sequences;
but for the entries', whose ids ``at_commit`` promises before there is a row.

Other apps that belong to Folio say what their tables need by ``contribute``; a checkout's role gets none of it.
"""

from ledger.grants.applying import apply_grants
from ledger.grants.contributed import TableGrant, contribute
from ledger.grants.role import check_name, unbound
from ledger.grants.statements import grant_statements
from ledger.grants.writing import Statement

__all__ = ["Statement", "TableGrant", "apply_grants", "check_name", "contribute", "grant_statements", "unbound"]
