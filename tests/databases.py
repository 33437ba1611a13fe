"""Databases beside the test runner's own, which lacks the refusal of TRUNCATE (``ledger.testing``).

A name that doesn't begin with ``test_`` makes a database a plain one to Folio, as a merchant has it.
"""

import atexit
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from django.core.management import ManagementUtility
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.site.database import database_settings
from tests.provision import database_url

ROOT = Path(__file__).resolve().parents[1]


def manage(
    *arguments: str,
    url: str,
    settings: str = "tests.settings",
    stdout: int | IO[str] = subprocess.PIPE,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run manage.py in a process of its own, on the database at ``url``."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": settings, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def manage_here(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py's command in this process, which starts none, and closes Django's connections."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@contextmanager
def new_database(name: str, template: str = "template1", *, owned: bool = False, encoding: str = "") -> Iterator[str]:
    """A database on the tests' server, dropped afterwards; yields its URL. Skips if that isn't allowed.

    It is empty, or a copy of ``template``, which nobody may be connected to. ``owned``: it belongs to ``plain_owner``,
    as whom everybody works who comes by that URL.
    """
    name = f"{name}_{os.getpid()}"
    url = _create(name, template=template, owner=plain_owner() if owned else "", encoding=encoding)
    try:
        yield as_plain_owner(url) if owned else url
    finally:
        _drop(name)


@contextmanager
def migrated_database(name: str) -> Iterator[str]:
    """As ``new_database``, with all tables, as ``manage.py migrate`` makes them in a process of its own."""
    name = f"{name}_{os.getpid()}"
    url = _create(name, template=_migrated(), owner=plain_owner())
    try:
        yield url
    finally:
        _drop(name)


@cache
def _migrated() -> str:
    """The name of a migrated database that others are copied from, since migrating takes seconds."""
    name = f"folio_migrated_{os.getpid()}"
    url = _create(name, owner=plain_owner())
    atexit.register(_drop_if_there, name)
    migrate(as_plain_owner(url))
    return name


@cache
def plain_owner() -> str:
    """A role that owns ledgers, and has no other powers: ``ledger_verify`` reports a superuser as owner."""
    name = f"folio_owner_{os.getpid()}"
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    atexit.register(_drop_owner_if_there, name)
    return name


def as_plain_owner(url: str, options: str = "") -> str:
    """The same database by a URL through which all new objects belong to ``plain_owner``."""
    return make_conninfo(url, options=f"-c role={plain_owner()} {options}".strip())


def migrate(url: str) -> None:
    """Make all tables, by ``manage.py migrate`` in a process of its own."""
    done = manage("migrate", "--run-syncdb", "--verbosity", "0", url=url)
    assert done.returncode == 0, done.stderr


def _create(name: str, template: str = "template1", owner: str = "", encoding: str = "") -> str:
    with psycopg.connect(database_url(), autocommit=True) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if row is None or not row[0]:
            pytest.skip("the tests' role is no superuser, so it can't tamper with a database of its own")
        new, old = sql.Identifier(name), sql.Identifier(template)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(new))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, old) + _encoded(encoding))
        if owner:
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(new, sql.Identifier(owner)))
    return make_conninfo(database_url(), dbname=name)


def _encoded(encoding: str) -> sql.Composable:
    if not encoding:
        return sql.SQL("")
    return sql.SQL(" ENCODING {} LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'").format(sql.Literal(encoding))


def _drop(name: str) -> None:
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_if_there(name: str) -> None:
    # At the end of the process, when the embedded server may be gone with all its databases.
    with suppress(psycopg.OperationalError):
        _drop(name)


def _drop_owner_if_there(name: str) -> None:
    with suppress(psycopg.Error), psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@contextmanager
def database_alias(alias: str, url: str, **changed: Any) -> Iterator[BaseDatabaseWrapper]:
    """Django's connection to ``url`` under ``alias``; ``changed`` overrides keys of its settings, such as USER."""
    settings = connections.configure_settings({"default": {**database_settings(url), **changed}})["default"]
    settings["TEST"] = {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None}
    connections.settings[alias] = settings
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def with_user(url: str, user: str, password: str) -> str:
    """The same database for another role."""
    return make_conninfo(url, user=user, password=password)


def savepoint() -> str:
    """Like ``transaction.savepoint()``, which has another name in Django 6.1."""
    made = connection.savepoint()
    assert made is not None, "no transaction is open"
    return made
