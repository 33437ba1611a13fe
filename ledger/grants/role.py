"""The role itself: whether its name can be granted to, and whether grants would bind it."""

from __future__ import annotations

from django.db import connections

from ledger.errors import GrantError, LedgerError

# What grants can't limit: a superuser, and who owns the tables or may become the owner. Argument: role.
_ROLE = """
    SELECT r.rolsuper, pg_has_role(r.oid, c.relowner, 'MEMBER')
    FROM pg_roles r, pg_class c
    WHERE r.rolname = %s AND c.oid = to_regclass('ledger_entry')
"""


def unbound(role: str, using: str) -> LedgerError | None:
    """Why grants would not bind ``role``, or None if they do."""
    with connections[using].cursor() as cursor:
        cursor.execute(_ROLE, [role])
        found = cursor.fetchone()
    if found is None:
        return GrantError(
            f"There is no role {role!r}.",
            rule="Privileges are given to a role that exists.",
            remedy=f"Make it first, as an administrator: CREATE ROLE \"{role}\" LOGIN PASSWORD '…';",
        )
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        what = "is a superuser" if is_superuser else "owns the ledger's tables, or may become their owner"
        return GrantError(
            f"The role {role!r} {what}.",
            rule="Grants don't limit superusers and owners, so they would protect nothing.",
            remedy="Let the application log in as a role of its own, and migrate as the owner.",
        )
    return None


def check_name(role: str) -> None:
    """Raise GrantError unless ``role`` can be the name of a role: PostgreSQL cuts what is longer than 63 bytes."""
    if role and "\0" not in role and len(role.encode()) <= 63 and role.lower() != "public":
        return
    raise GrantError(
        f"The role {role!r} can't be given privileges.",
        rule="A role has a name of 1 to 63 bytes, and is not PUBLIC, which is everybody.",
        remedy="Pass the role that the application logs in as: --role shop_app.",
    )
