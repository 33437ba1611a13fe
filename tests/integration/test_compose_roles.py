"""The database of docker-compose.yml, without Docker: its script, its migration, and what each role may then do."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import issue
from ledger.conf import ledger_settings
from ledger.errors import NotGranted
from tests import compose
from tests.broker.processes import CeleryProcess
from tests.broker.waiting import until
from tests.databases import ROOT, database_alias, new_database
from tests.provision import client_program, database_url
from workers.schedule import OF_THE_APP

ROLES = ("folio_owner", "folio_site", "folio_worker")
LOGIN = ("maria", "a-password-of-9-words")

#: A system whose credentials are nowhere in the environment.
ACCOUNTING = """
[SYSTEMS.books]
adapter = "xero"
organisation = "5a37"
push = true
credentials = {ENV = "XERO_"}
"""


def run_client(name: str, *arguments: str, **how: Any) -> None:
    """Run psql, pg_dump or pg_restore; skips if there is none for this server's version."""
    program = client_program(name)
    if program is None:
        pytest.skip(f"no {name}: neither on this machine, nor with an embedded PostgreSQL")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, **how)
    if "server version mismatch" in done.stderr:
        pytest.skip(f"{name} is older than the server")
    assert done.returncode == 0, done.stderr


def run_script(url: str, script: str, passwords: dict[str, str]) -> None:
    """As the image of PostgreSQL runs a file of /docker-entrypoint-initdb.d."""
    arguments = ["-v", "ON_ERROR_STOP=1", "--no-psqlrc", "--no-password", "--dbname", url]
    run_client("psql", *arguments, input=script, env={**os.environ, **passwords})


@contextmanager
def with_roles(script: str, passwords: dict[str, str], roles: tuple[str, ...]) -> Iterator[str]:
    """A database after the script; its roles belong to the whole server, so they are dropped with it."""
    with psycopg.connect(database_url(), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = ANY (%s)", [list(roles)]).fetchone():
            pytest.skip(f"the server has roles of these names: {', '.join(roles)}")
    try:
        with new_database("folio_compose") as url:
            run_script(url, script, passwords)
            yield url
    finally:
        with psycopg.connect(database_url(), autocommit=True) as connection:
            for role in roles:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@dataclass(frozen=True)
class Deployment:
    """A database as the file sets it up, and what runs on it."""

    document: dict[str, Any]
    url: str
    values: dict[str, str]
    home: Path

    def environment(self, service: str) -> dict[str, str]:
        """All that a process of the service has in its environment, on this machine's server."""
        given = compose.environment(self.document, service, self.values)
        if "DATABASE_URL" in given:
            login = conninfo_to_dict(given["DATABASE_URL"])
            given["DATABASE_URL"] = make_conninfo(self.url, user=login["user"], password=login["password"])
        if "LEDGER_ACCOUNTING_FILE" in given:
            given["LEDGER_ACCOUNTING_FILE"] = str(self.home / f"{service}.toml")
        return {"PATH": os.environ["PATH"], "FOLIO_HOME": str(self.home / service), **given}

    def run(self, service: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Python with these arguments, as that service."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**self.environment(service), **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def migrate(self) -> None:
        """The commands of the service ``migrate``, as they stand in the file."""
        for line in self.document["services"]["migrate"]["command"][-1].splitlines():
            python, *arguments = line.split()
            assert python == "python"
            done = self.run("migrate", *arguments)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    def ask(self, query: str, arguments: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """As the superuser."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, arguments).fetchall()

    def privileges(self) -> list[tuple[Any, ...]]:
        return self.ask(
            "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT oid::regprocedure::text, proacl::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
        )


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The script was run, and the service ``migrate``."""
    home, document = tmp_path_factory.mktemp("deployed"), compose.load()
    subprocess.run(["sh", "-c", compose.passwords_command()], cwd=home, check=True)
    values = dict(line.split("=", 1) for line in (home / ".env").read_text(encoding="ascii").splitlines())
    (home / "web.toml").write_text(ACCOUNTING, encoding="utf-8")
    (home / "worker.toml").touch()
    passwords = compose.environment(document, "db", values)
    with with_roles(document["configs"]["roles"]["content"], passwords, ROLES) as url:
        deployment = Deployment(document, url, values, home)
        deployment.migrate()
        yield deployment


def keeps(verifier: str, password: str) -> bool:
    """Whether PostgreSQL's SCRAM verifier is one of this password (RFC 5803)."""
    mechanism, salted, keys = verifier.split("$")
    rounds, salt = salted.split(":")
    assert mechanism == "SCRAM-SHA-256"
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), b64decode(salt), int(rounds))
    stored = hashlib.sha256(hmac.digest(key, b"Client Key", "sha256")).digest()
    return stored == b64decode(keys.partition(":")[0])


def test_any_password_reaches_its_role_as_it_is() -> None:
    passwords = {
        "OWNER_PASSWORD": """it's "quoted" \\ $1 ${HOME}""",
        "SITE_PASSWORD": "'; ALTER ROLE folio_quoted_site SUPERUSER; --",
        "WORKER_PASSWORD": ":'owner_password'",
    }
    script = compose.load()["configs"]["roles"]["content"].replace("folio_", "folio_quoted_")
    roles = tuple(role.replace("folio_", "folio_quoted_") for role in ROLES)
    with with_roles(script, passwords, roles) as url, psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT rolpassword, rolsuper FROM pg_authid WHERE starts_with(rolname, 'folio_quoted_') ORDER BY rolname"
        ).fetchall()
    assert not any(is_super for _, is_super in found)
    for (verifier, _), password in zip(found, passwords.values(), strict=True):
        assert keeps(verifier, password)
        assert not keeps(verifier, f"{password} ")


def test_no_role_has_powers(deployed: Deployment) -> None:
    powers = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    found = deployed.ask(f"SELECT rolname, {powers} FROM pg_roles WHERE rolname = ANY (%s) ORDER BY 1", [list(ROLES)])
    assert found == [(role, *[False] * 5) for role in ROLES]
    assert not deployed.ask("SELECT FROM pg_auth_members WHERE member::regrole::text LIKE 'folio_%'")


def test_the_owner_owns_all_of_it(deployed: Deployment) -> None:
    assert deployed.ask(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " UNION SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        " UNION SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
    ) == [("folio_owner",)]


def test_everybody_has_nothing(deployed: Deployment) -> None:
    assert not deployed.ask(
        "SELECT FROM pg_database, aclexplode(datacl) WHERE datname = current_database() AND grantee = 0"
        " UNION ALL SELECT FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public' AND grantee = 0"
        " UNION ALL SELECT FROM pg_class, aclexplode(relacl)"
        " WHERE relnamespace = 'public'::regnamespace AND grantee = 0"
    )


def test_every_start_grants_the_same(deployed: Deployment) -> None:
    before = deployed.privileges()
    deployed.migrate()
    assert deployed.privileges() == before


def test_the_site_is_a_bound_role(deployed: Deployment) -> None:
    done = deployed.run("web", "manage.py", "check", "--database", "default")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_people_and_checkouts_need_no_more_than_the_site_has(deployed: Deployment) -> None:
    """Logins, pages, the whole admin and checkouts; with an accounting system whose credentials the site hasn't."""
    name, password = LOGIN
    account = {"DJANGO_SUPERUSER_USERNAME": name, "DJANGO_SUPERUSER_PASSWORD": password}
    made = deployed.run("web", "manage.py", "createsuperuser", "--noinput", "--email", "m@example.com", **account)
    assert made.returncode == 0, made.stderr
    done = deployed.run("web", "-m", "tests.integration.as_the_site", name, password)
    assert done.returncode == 0, done.stderr


def test_worker_and_beat_sweep(deployed: Deployment, redis_url: str, tmp_path: Path) -> None:
    """As they are started there: the beat without a database, the worker as a role of its own."""
    started = []
    sweeps = sorted(set(ledger_settings().sweeps) - OF_THE_APP)
    try:
        for service in ("worker", "beat"):
            celery, *arguments = deployed.document["services"][service]["command"]
            assert celery == "celery"
            arguments = [re.sub("=/(var/lib/folio|tmp)/", f"={tmp_path}/", one) for one in arguments]
            given = {**deployed.environment(service), "REDIS_URL": redis_url}
            # The tests' own settings have no place there.
            unset = dict.fromkeys(("DATABASE_URL", "TEST_DATABASE", "SECRET_KEY"), "")
            started.append(CeleryProcess(tmp_path, arguments, {**unset, **given}))
        worker, beat = started

        def succeeded() -> list[str]:
            done = "finished_at IS NOT NULL AND error = ''"
            return [
                row[0] for row in deployed.ask(f"SELECT DISTINCT sweep FROM ledger_sweeprun WHERE {done} ORDER BY 1")
            ]

        until(lambda: succeeded() == sweeps, lambda: f"{succeeded()}, {worker.said}\n{beat.said}")
    finally:
        for process in started:
            process.stop()
    assert "permission denied" not in worker.said
    # Had it asked for a database, one would have been started there.
    assert not list((deployed.home / "beat").glob("postgres*"))
    told = deployed.run("web", "manage.py", "ledger_sweep", "--status")
    assert all(sweep in told.stdout for sweep in sweeps)


def test_a_backup_of_the_owner_is_restored_by_the_owner(deployed: Deployment, tmp_path: Path) -> None:
    """Into an empty database of the same roles, as the script leaves it; the next start finds all as it was."""
    dump = str(tmp_path / "folio.dump")
    login = deployed.environment("migrate")["DATABASE_URL"]
    run_client("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={login}")
    *_, grants = deployed.document["configs"]["roles"]["content"].partition("ALTER DATABASE")
    with new_database("folio_restored") as url:
        run_script(url, f"BEGIN; ALTER DATABASE{grants}", {})
        restored = replace(deployed, url=url)
        login = restored.environment("migrate")["DATABASE_URL"]
        run_client("pg_restore", "--exit-on-error", f"--dbname={login}", dump)
        assert restored.privileges() == deployed.privileges()
        restored.migrate()
        assert restored.privileges() == deployed.privileges()
        everything = "SELECT e::text FROM ledger_entry e UNION ALL SELECT u::text FROM auth_user u"
        assert restored.ask(everything) == deployed.ask(everything)


REFUSED = {
    "web": [
        "UPDATE ledger_entry SET number = number",
        "DELETE FROM ledger_entry",
        "INSERT INTO ledger_entry DEFAULT VALUES",
        "UPDATE ledger_period SET last_value = 0",
        "UPDATE ledger_rolepurpose SET purpose = 'auditor'",
        "TRUNCATE ledger_entry CASCADE",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "SELECT FROM ledger_workers_sealedtoken",
        "UPDATE ledger_workers_push SET state = state",
        "UPDATE django_admin_log SET change_message = ''",
        "DELETE FROM django_migrations",
        "INSERT INTO auth_permission DEFAULT VALUES",
        "CREATE ROLE mine",
        "ALTER ROLE folio_worker PASSWORD 'mine'",
        "SET ROLE folio_owner",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "SET session_replication_role = replica",
    ],
    "worker": [
        "SELECT FROM auth_user",
        "SELECT FROM django_session",
        "INSERT INTO django_session DEFAULT VALUES",
        "SELECT FROM django_admin_log",
        "INSERT INTO ledger_entry DEFAULT VALUES",
        "UPDATE ledger_entry SET number = number",
        "DELETE FROM django_migrations",
        "CREATE ROLE mine",
        "SET ROLE folio_site",
        "CREATE TABLE mine ()",
    ],
    "migrate": ["CREATE ROLE mine", "CREATE DATABASE mine", "ALTER ROLE folio_site SUPERUSER"],
}


@pytest.mark.parametrize(("service", "statement"), [(name, one) for name, many in REFUSED.items() for one in many])
def test_a_role_is_refused_what_it_has_no_purpose_for(deployed: Deployment, service: str, statement: str) -> None:
    with (
        psycopg.connect(deployed.environment(service)["DATABASE_URL"], autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_worker_issues_no_number(deployed: Deployment, django_db_blocker: Any) -> None:
    url = deployed.environment("worker")["DATABASE_URL"]
    with database_alias("working", url) as connection, django_db_blocker.unblock():
        connection.set_autocommit(False)
        with pytest.raises(NotGranted):
            issue("invoice", document="order:1", using="working")
