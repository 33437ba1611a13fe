"""The ledger beside a SQLite default: everywhere, the routers' ``allow_migrate`` decides which database has it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.databases import manage, migrated_database

Run: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """``manage.py`` of such a project, both of whose databases are migrated."""
    sqlite = tmp_path_factory.mktemp("routed") / "default.sqlite3"
    with migrated_database("folio_routed") as url:

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return manage(*arguments, url=url, settings="tests.routed_settings", ROUTED_SQLITE=str(sqlite))

        run("migrate", "--verbosity", "0")
        yield run


def test_migrations(run: Run) -> None:
    done = run("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--database", "default", "--database", "numbers"),
        ("flush", "--no-input"),
        ("ledger_series", "create", "invoice", "--template", "I-{year}-{counter:04}"),
        ("ledger_sweep",),
    ],
    ids=" ".join,
)
def test_commands(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stderr


def test_a_command_on_the_other_database_says_why_it_can_not_run(run: Run) -> None:
    done = run("ledger_series", "list", "--database", "default")
    assert (done.returncode, "is sqlite" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_the_ledger_is_not_flushed(run: Run) -> None:
    done = run("flush", "--no-input", "--database", "numbers")
    assert (done.returncode, "holds a ledger" in done.stderr) == (1, True)


def test_a_test_runner(run: Run) -> None:
    done = run("test", "tests.routed")
    assert "Ran 2 tests" in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_migrating_to_zero_on_the_other_database(run: Run) -> None:
    """That database loses nothing, and the ledger stays as it is in the other one."""
    done = run("migrate", "ledger", "zero")
    assert done.returncode == 0, done.stderr
    assert run("ledger_verify").returncode == 0


def test_without_a_router_it_says_what_to_do(tmp_path: Path) -> None:
    for options, told in (((), "ledger.E003"), (("--skip-checks",), "allow_migrate() decides")):
        done = manage(
            *("migrate", "--verbosity", "0", *options),
            url="postgresql:///nowhere",
            settings="tests.unrouted_settings",
            ROUTED_SQLITE=str(tmp_path / "default.sqlite3"),
        )
        assert done.returncode == 1
        assert (told in done.stderr, "Traceback" in done.stderr) == (True, False)
