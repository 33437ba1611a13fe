"""Applying grants in one transaction, unless the role would keep other privileges; and again after ``migrate``."""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, connections, transaction

from ledger.cursors import fetch
from ledger.errors import GrantError, LedgerError
from ledger.grants.purposes import PURPOSES, READING, contributions
from ledger.grants.statements import grant_statements, missing, unbound
from ledger.models import RolePurpose
from ledger.models.tables import all_tables
from ledger.sql.installing import function_texts

_log = logging.getLogger(__name__)

_EXISTING = "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)"

# What a role may still do in the ledger through PUBLIC or a role that it can become. Arguments: role, tables and the
# privileges on each that its purposes give, functions that they don't give.
_EXCESS = """
    WITH can_be AS (
        SELECT r.oid FROM pg_roles r WHERE pg_has_role(%(role)s, r.oid, 'MEMBER')
    ), tables AS (
        SELECT t.name || ': ' || p.privilege AS what
        FROM unnest(%(tables)s::text[]) AS t (name)
        CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
        WHERE t.name || ' ' || p.privilege <> ALL (%(given)s::text[])
          AND EXISTS (
              SELECT FROM can_be r
              WHERE CASE WHEN p.privilege IN ('INSERT', 'UPDATE', 'REFERENCES')
                         THEN has_any_column_privilege(r.oid, to_regclass(t.name)::oid, p.privilege)
                         ELSE has_table_privilege(r.oid, to_regclass(t.name)::oid, p.privilege) END)
    ), functions AS (
        SELECT 'function ' || f.proname
        FROM pg_proc f JOIN pg_class c ON c.oid = to_regclass('ledger_entry') AND f.pronamespace = c.relnamespace
        WHERE f.proname = ANY (%(functions)s::text[]) AND f.prorettype <> 'trigger'::regtype
          AND EXISTS (SELECT FROM can_be r WHERE has_function_privilege(r.oid, f.oid, 'EXECUTE'))
    )
    SELECT what FROM tables UNION ALL SELECT * FROM functions ORDER BY 1
"""


def apply_grants(role: str, purposes: Sequence[str], *, revoke_public: bool = False, using: str = "default") -> int:
    """Run ``grant_statements`` in one transaction and record the purposes; returns how many statements.

    Raises GrantError if they would not limit the role; then nothing is applied.
    """
    statements = grant_statements(role, purposes, revoke_public=revoke_public, using=using)
    if problem := missing(role, using):
        raise problem
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.sql)
        if problem := unbound(role, using):
            raise problem
        excess = _excess(role, purposes, using)
        if excess:
            raise GrantError(
                f"The role {role!r} would keep {'; '.join(excess)}.",
                rule="A role has what its purposes need; it has these by way of another role, or of PUBLIC.",
                remedy="Revoke its membership in that role, or name the purpose too. Nothing was applied.",
            )
        RolePurpose.objects.using(using).filter(role=role).delete()
        RolePurpose.objects.using(using).bulk_create([RolePurpose(role=role, purpose=one) for one in purposes])
    return len(statements)


def grant_again(using: str) -> None:
    """Grant every role its purposes again, since a function that was made anew has lost its grants.

    A role that is gone is forgotten; a failure is logged, and the role keeps what it has.
    """
    known: dict[str, list[str]] = {}
    for row in RolePurpose.objects.using(using).order_by("role", "purpose"):
        known.setdefault(row.role, []).append(row.purpose)
    there = {role for (role,) in fetch(using, _EXISTING, [list(known)])}
    RolePurpose.objects.using(using).exclude(role__in=there).delete()
    for role, purposes in known.items():
        if role not in there:
            continue
        try:
            apply_grants(role, [one for one in purposes if one in PURPOSES], using=using)
        except (LedgerError, DatabaseError) as error:
            _log.error("The role %r was not granted %s again: %s", role, ", ".join(purposes), error)


def _excess(role: str, purposes: Sequence[str], using: str) -> list[str]:
    chosen = [PURPOSES[name] for name in purposes]
    given = [
        f"{model._meta.db_table} {privilege}"
        for purpose in chosen
        for privileges, models in purpose.writes
        for model in models
        for privilege in privileges.split(", ")
    ]
    others = contributions(using)
    if any(purpose.other_apps for purpose in chosen):
        given += [f"{grant.table} {what}" for grant in others for what in ("INSERT", "UPDATE")]
    called = READING.union(*(purpose.functions for purpose in chosen))
    arguments: dict[str, Any] = {
        "role": role,
        "tables": [*all_tables(), *(grant.table for grant in others)],
        "given": given,
        "functions": sorted(set(function_texts()) - called),
    }
    return [what for (what,) in fetch(using, _EXCESS, arguments)]
