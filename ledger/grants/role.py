"""The role itself: whether its name can be granted to, and whether grants would bind it."""

from django.db import connections

from ledger.errors import GrantError, LedgerError

# What grants can't limit, of the role and of every role that it can become: each with what it would let through.
# Argument: role.
_POWERS = """
    WITH ledger AS (
        SELECT c.relowner, c.relnamespace, n.nspname, n.nspowner, d.datdba
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_database d ON d.datname = current_database()
        WHERE c.oid = to_regclass('ledger_entry')
    ), can_be AS (
        SELECT r.* FROM pg_roles r WHERE pg_has_role(%(role)s, r.oid, 'MEMBER')
    )
    SELECT power, through
    FROM ledger l CROSS JOIN LATERAL (
        SELECT 1, 'is a superuser', r.rolname FROM can_be r WHERE r.rolsuper
        UNION ALL
        SELECT 2, 'owns the ledger''s tables, or may become their owner', r.rolname
        FROM can_be r WHERE r.oid = l.relowner
        UNION ALL
        SELECT 3, 'owns this database, and so may drop the ledger''s schema', r.rolname
        FROM can_be r WHERE r.oid IN (l.datdba, l.nspowner)
        UNION ALL
        SELECT 4, 'may make roles (CREATEROLE), and so become another', r.rolname FROM can_be r WHERE r.rolcreaterole
        UNION ALL
        SELECT 5, 'may replicate (REPLICATION), and so read every row and token', r.rolname
        FROM can_be r WHERE r.rolreplication
        UNION ALL
        SELECT 6, 'is a member of ' || r.rolname || ', which reaches around the ledger''s grants', r.rolname
        FROM can_be r
        WHERE r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_maintain', 'pg_write_all_data')
        UNION ALL
        SELECT 7, 'may set session_replication_role, which silences ordinary triggers', r.rolname
        FROM can_be r WHERE has_parameter_privilege(r.oid, 'session_replication_role', 'SET, ALTER SYSTEM')
        UNION ALL
        SELECT 8, 'may make objects in the ledger''s schema ' || quote_ident(l.nspname)
                  || ', which its functions could take for their own', r.rolname
        FROM can_be r WHERE has_schema_privilege(r.oid, l.relnamespace, 'CREATE')
    ) AS p (rank, power, through)
    ORDER BY p.rank, p.through <> %(role)s
    LIMIT 1
"""


def unbound(role: str, using: str) -> LedgerError | None:
    """Why grants would not bind ``role``, or None if they do."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        if not cursor.fetchone()[0]:
            return GrantError(
                f"There is no role {role!r}.",
                rule="Privileges are given to a role that exists.",
                remedy=f"Make it first, as an administrator: CREATE ROLE \"{role}\" LOGIN PASSWORD '…';",
            )
        cursor.execute(_POWERS, {"role": role})
        found = cursor.fetchone()
    if found is None:
        return None
    power, through = found
    by_way = "" if through == role else f", by way of the role {through!r}"
    return GrantError(
        f"The role {role!r} {power}{by_way}.",
        rule="Grants don't limit such a role, so they would protect nothing.",
        remedy="Let the application log in as a role of its own that has none of these powers, and migrate as the "
        "owner. CREATE on a schema that holds more than the ledger is yours to take away: REVOKE CREATE ON SCHEMA … "
        "FROM PUBLIC; or give the ledger a schema of its own.",
    )


def check_name(role: str) -> None:
    """Raise GrantError unless ``role`` can be the name of a role: PostgreSQL cuts what is longer than 63 bytes."""
    if role and "\0" not in role and len(role.encode()) <= 63 and role.lower() != "public":
        return
    raise GrantError(
        f"The role {role!r} can't be given privileges.",
        rule="A role has a name of 1 to 63 bytes, and is not PUBLIC, which is everybody.",
        remedy="Pass the role that the application logs in as: --role shop_app.",
    )
