"""A role that can get around grants isn't called bound; what was granted is remembered, and granted again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import sql

from ledger.grants import unbound
from ledger.models import RolePurpose
from tests.roles.logins import OWNER, Logins, grant, rows

#: What a superuser gives to a role, the words of the finding, and the first PostgreSQL that has it.
POWERS: dict[str, tuple[str, str, int]] = {
    "superuser": ("ALTER ROLE {role} SUPERUSER", "is a superuser", 15),
    "member of the owner": ("GRANT {owner} TO {role}", "owns the ledger's tables, or may become their owner", 15),
    "owner of the database": ("ALTER DATABASE {database} OWNER TO {role}", "owns this database", 15),
    "owner of the schema": ("ALTER SCHEMA public OWNER TO {role}", "owns this database", 15),
    "CREATEROLE": ("ALTER ROLE {role} CREATEROLE", "may make roles", 15),
    "REPLICATION": ("ALTER ROLE {role} REPLICATION", "may replicate", 15),
    "programs of the server": (
        "GRANT pg_execute_server_program TO {role}",
        "a member of pg_execute_server_program",
        15,
    ),
    "files of the server": ("GRANT pg_write_server_files TO {role}", "a member of pg_write_server_files", 15),
    "all data": ("GRANT pg_write_all_data TO {role}", "a member of pg_write_all_data", 15),
    "maintenance": ("GRANT pg_maintain TO {role}", "a member of pg_maintain", 17),
    "replica mode": (
        "GRANT SET ON PARAMETER session_replication_role TO {role}",
        "may set session_replication_role",
        15,
    ),
    "replica mode for all": (
        "GRANT ALTER SYSTEM ON PARAMETER session_replication_role TO {role}",
        "may set session_replication_role",
        15,
    ),
    "replica mode by PUBLIC": (
        "GRANT SET ON PARAMETER session_replication_role TO PUBLIC",
        "may set session_replication_role",
        15,
    ),
    "CREATE": ("GRANT CREATE ON SCHEMA public TO {role}", "may make objects in the ledger's schema public", 15),
    "CREATE by PUBLIC": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "may make objects in the ledger's schema public",
        15,
    ),
}

#: How a role gets a power: itself, or by a role that it may become, with or without inheriting from it.
WAYS = {
    "itself": "",
    "by inheritance": "GRANT {role} TO {member}",
    "by SET ROLE": "ALTER ROLE {member} NOINHERIT; GRANT {role} TO {member}",
    "by two steps": "GRANT {role} TO {between}; GRANT {between} TO {member}",
}


@pytest.fixture
def superuser(logins: Logins) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection; grants that it makes are taken back afterwards."""
    with logins.superuser() as connection:
        yield connection


@pytest.fixture
def names(logins: Logins, superuser: psycopg.Connection[Any]) -> Iterator[dict[str, str]]:
    """New roles without power: the one that is to get it, the one that logs in, one between; and what else there is."""
    mark = secrets.token_hex(4)
    made = {part: f'Power "{part}" {mark}' for part in ("role", "member", "between")}
    database = superuser.info.dbname
    for role in made.values():
        superuser.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    try:
        yield {**made, "owner": logins.roles[OWNER], "database": database}
    finally:
        parameter = "REVOKE ALL ON PARAMETER session_replication_role FROM PUBLIC"
        superuser.execute(f"{parameter}; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        superuser.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        superuser.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(database)))
        for role in made.values():
            superuser.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(role)))


def filled(statement: str, names: dict[str, str]) -> str:
    return statement.format(**{part: sql.Identifier(name).as_string(None) for part, name in names.items()})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("power", POWERS)
def test_it_is_refused(names: dict[str, str], superuser: psycopg.Connection[Any], power: str, way: str) -> None:
    statement, told, since = POWERS[power]
    if superuser.info.server_version < since * 10000:
        pytest.skip(f"begins with PostgreSQL {since}")
    superuser.execute(filled(statement, names))
    if WAYS[way]:
        superuser.execute(filled(WAYS[way], names))
    login = names["member" if WAYS[way] else "role"]
    with pytest.raises(CommandError, match="Grants don't limit such a role") as refused:
        grant(login, "checkout")
    assert told in str(refused.value)
    if way == "by SET ROLE" and "PUBLIC" not in statement:
        assert "by way of the role" in str(refused.value)
    # Nothing was applied: the role doesn't even have what its purpose gives.
    assert not RolePurpose.objects.using(OWNER).filter(role=login).exists()
    given = "SELECT FROM pg_proc p, aclexplode(p.proacl) a WHERE p.prokind = 'f' AND a.grantee = %s::regrole"
    assert not rows(OWNER, given, [sql.Identifier(login).as_string(None)])


def test_without_any_it_is_bound(names: dict[str, str]) -> None:
    assert unbound(names["role"], OWNER) is None
    grant(names["role"], "checkout")
    assert unbound(names["role"], OWNER) is None


@pytest.mark.parametrize(
    ("privilege", "told"),
    [
        ("INSERT ON ledger_entry", "ledger_entry: INSERT"),
        ("INSERT (issued_at) ON ledger_entry", "ledger_entry: INSERT"),
        ("UPDATE (last_value) ON ledger_period", "ledger_period: UPDATE"),
        ("TRIGGER ON ledger_slot", "ledger_slot: TRIGGER"),
        ("REFERENCES (id) ON ledger_entry", "ledger_entry: REFERENCES"),
        ("EXECUTE ON FUNCTION ledger_void", "function ledger_void"),
    ],
)
def test_what_a_role_that_it_may_become_has_is_told(
    names: dict[str, str], superuser: psycopg.Connection[Any], privilege: str, told: str
) -> None:
    superuser.execute(filled(f"GRANT {privilege} TO {{role}}; GRANT {{role}} TO {{member}}", names))
    with pytest.raises(CommandError, match=r"would keep") as refused:
        grant(names["member"], "checkout")
    assert told in str(refused.value)


@pytest.mark.parametrize("privilege", ["ALL ON ledger_entry", "EXECUTE ON FUNCTION ledger_set_home, ledger_void"])
def test_what_everybody_has_is_taken_away(
    names: dict[str, str], superuser: psycopg.Connection[Any], privilege: str
) -> None:
    superuser.execute(f"GRANT {privilege} TO PUBLIC")
    grant(names["role"], "checkout")
    found = "has_table_privilege(%s, 'ledger_entry', 'INSERT'), has_function_privilege(%s, p.oid, 'EXECUTE')"
    statement = f"SELECT {found} FROM pg_proc p WHERE p.proname = 'ledger_void'"
    assert rows(OWNER, statement, [names["role"], names["role"]]) == [(False, False)]


class TestWhatWasGranted:
    def calls(self, role: str) -> set[str]:
        """The functions of the ledger that a role may call."""
        found = rows(
            OWNER,
            "SELECT p.proname FROM pg_proc p WHERE starts_with(p.proname, 'ledger_')"
            " AND has_function_privilege(%s, p.oid, 'EXECUTE')",
            [role],
        )
        return {name for (name,) in found}

    def make_anew(self, function: str) -> None:
        """As a migration does: an object that is made again has no grants."""
        [(signature, text)] = rows(
            OWNER,
            "SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %s",
            [function],
        )
        rows(OWNER, f"DROP FUNCTION {signature}")
        rows(OWNER, text.replace("%", "%%"))
        rows(OWNER, f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")

    def test_it_is_remembered(self, names: dict[str, str]) -> None:
        grant(names["role"], "checkout", "void")
        noted = RolePurpose.objects.using(OWNER).filter(role=names["role"])
        assert set(noted.values_list("purpose", flat=True)) == {"checkout", "void"}
        grant(names["role"], "workers")
        assert set(noted.values_list("purpose", flat=True)) == {"workers"}
        assert "ledger_void" not in self.calls(names["role"])

    @pytest.mark.parametrize("command", ["migrate", "ledger_install"])
    def test_it_is_granted_again(self, names: dict[str, str], command: str) -> None:
        grant(names["role"], "checkout", "void")
        before = self.calls(names["role"])
        self.make_anew("ledger_void")
        self.make_anew("ledger_issue_serial")
        assert before - self.calls(names["role"]) == {"ledger_void", "ledger_issue_serial"}
        call_command(command, database=OWNER, verbosity=0, stdout=StringIO())
        assert self.calls(names["role"]) == before

    def test_a_role_that_came_to_a_power_since_is_told_and_keeps_what_it_has(
        self, names: dict[str, str], superuser: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        grant(names["role"], "checkout")
        superuser.execute(filled("ALTER ROLE {role} CREATEROLE", names))
        before = self.calls(names["role"])
        with caplog.at_level(logging.ERROR, logger="ledger.grants.applying"):
            call_command("ledger_install", database=OWNER, stdout=StringIO())
        assert "may make roles (CREATEROLE)" in caplog.text
        assert self.calls(names["role"]) == before

    def test_a_role_that_is_gone_is_forgotten(self, names: dict[str, str]) -> None:
        RolePurpose.objects.using(OWNER).create(role="gone", purpose="checkout")
        call_command("ledger_install", database=OWNER, stdout=StringIO())
        assert not RolePurpose.objects.using(OWNER).filter(role="gone").exists()
