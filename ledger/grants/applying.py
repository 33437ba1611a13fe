"""Applying the grants in one transaction, unless the role would keep more by other ways."""

from __future__ import annotations

from django.db import connections, transaction

from ledger.errors import GrantError
from ledger.grants.contributed import contributions
from ledger.grants.role import unbound
from ledger.grants.statements import grant_statements
from ledger.models.tables import event_tables, queue_tables

# What a role still may do to events, and to queues, whose rows come and go one by one: by way of PUBLIC, or of a role
# that it is a member of. Arguments: role, events, queues.
_EXCESS = """
    WITH asked AS (
        SELECT name, privilege FROM unnest(%(events)s::text[]) name, unnest(ARRAY['DELETE', 'UPDATE']) privilege
        UNION ALL
        SELECT name, privilege
        FROM unnest(%(events)s::text[] || %(queues)s::text[]) name, unnest(ARRAY['TRUNCATE', 'TRIGGER']) privilege
    )
    SELECT name, string_agg(privilege, ', ' ORDER BY privilege)
    FROM asked
    WHERE CASE WHEN privilege = 'UPDATE' THEN has_any_column_privilege(%(role)s, to_regclass(name), privilege)
               ELSE has_table_privilege(%(role)s, to_regclass(name), privilege) END
    GROUP BY name ORDER BY name
"""


def apply_grants(
    role: str, *, admin: bool = False, workers: bool = False, revoke_public: bool = False, using: str = "default"
) -> int:
    """Run ``grant_statements`` in one transaction; returns how many. Raises GrantError where they would not bind."""
    statements = grant_statements(role, admin=admin, workers=workers, revoke_public=revoke_public, using=using)
    problem = unbound(role, using)
    if problem is not None:
        raise problem
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.sql)
        queues = queue_tables() + [grant.table for grant in contributions(using)]
        cursor.execute(_EXCESS, {"role": role, "events": event_tables(), "queues": queues})
        excess = [f"{privileges} on {table}" for table, privileges in cursor.fetchall()]
        if excess:
            raise GrantError(
                f"The role {role!r} would keep {'; '.join(excess)}.",
                rule="Nobody but the owner may change events or empty a queue; it has these by way of PUBLIC or of "
                "another role.",
                remedy="Pass --revoke-public, or revoke its membership in the role that has them. Nothing was applied.",
            )
    return len(statements)
