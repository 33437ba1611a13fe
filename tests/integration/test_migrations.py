"""Migrations: forward, back to nothing, forward again; complete; and a clear word on other databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps

from tests.databases import manage, new_database

# Everything in the schema that the ledger could leave behind.
CONTENTS = """
    SELECT 'table or index ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typrelid = 0
        AND typelem = 0
    ORDER BY 1
"""

# Functions, triggers and constraints as PostgreSQL would write them down.
DEFINITIONS = """
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1
"""


MIGRATE_EACH = """
from django.core.management import call_command
for label in {}:
    call_command("migrate", label, verbosity=0)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with new_database("folio_migrations", owned=True) as url:
        yield url


def migrate(url: str, *target: str) -> None:
    done = manage("migrate", "--verbosity", "0", *target, url=url)
    assert done.returncode == 0, done.stderr


def ask(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def test_back_to_nothing_and_forward_again(url: str) -> None:
    # The host's own apps are there before, and stay.
    hosts = [
        app.label
        for app in apps.get_app_configs()
        if app.label not in {"ledger", "ledger_workers"} and (Path(app.path) / "migrations").exists()
    ]
    done = manage("shell", "-c", MIGRATE_EACH.format(hosts), url=url)
    assert done.returncode == 0, done.stderr
    before = ask(url, CONTENTS)
    assert not [name for name in before if "ledger_entry" in name]
    migrate(url)
    there, defined = ask(url, CONTENTS), ask(url, DEFINITIONS)
    assert "trigger ledger_append_only_rows on ledger_entry" in there
    migrate(url, "ledger", "zero")
    assert ask(url, CONTENTS) == before
    migrate(url)
    assert ask(url, CONTENTS) == there
    assert ask(url, DEFINITIONS) == defined
    assert manage("ledger_verify", url=url).returncode == 0


def test_every_single_step_back_and_forward(url: str) -> None:
    migrate(url)
    folder = Path(__file__).resolve().parents[2] / "ledger" / "migrations"
    steps = sorted(file.stem for file in folder.glob("0*.py"))
    defined = ask(url, DEFINITIONS)
    for step in reversed(steps[:-1]):
        migrate(url, "ledger", step)
    for step in steps:
        migrate(url, "ledger", step)
    assert ask(url, DEFINITIONS) == defined


PUSHED = """
    INSERT INTO ledger_workers_push (tenant, system, entry_id, number, document, issued_on, state, claimed_by, attempts,
                                     last_error, remote_id, facts)
    VALUES ('', 'books', 1, 'INV-2026-000001', 'order:1', '2026-01-01', 'pushed', '', 1, '', '17', '{}')
"""

SELL = """
from django.db import transaction
from ledger import issue
with transaction.atomic():
    issue("invoice")
"""


def test_a_ledger_in_use_is_not_taken_down() -> None:
    with new_database("folio_in_use") as url:
        migrate(url)
        there = ask(url, CONTENTS)
        with psycopg.connect(url) as connection:
            connection.execute(PUSHED)
        done = manage("migrate", "ledger", "zero", url=url)
        assert "LedgerInUse: The table ledger_workers_push of the database 'default' has 1 rows" in done.stderr
        assert "Traceback" not in done.stderr
        assert ask(url, "SELECT count(*) FROM ledger_workers_push") == [1]
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM ledger_workers_push")
        migrate(url)
        assert manage("shell", "-c", SELL, url=url).returncode == 0
        refused = "LedgerInUse: The table ledger_entry of the database 'default' has 1 rows"
        assert refused in manage("migrate", "ledger", "0001", url=url).stderr
        assert ask(url, CONTENTS) == there
        # What is above the ledger goes first: the tables of the workers, which are empty.
        assert refused in manage("migrate", "ledger", "zero", url=url).stderr
        assert ask(url, "SELECT count(*) FROM ledger_entry") == [1]
        migrate(url)
        assert ask(url, CONTENTS) == there


def test_the_migrations_say_all_that_the_models_say(url: str) -> None:
    done = manage("makemigrations", "ledger", "ledger_workers", "--check", "--dry-run", url=url)
    assert done.returncode == 0, done.stdout


SQLITE = """
from tests.settings import *
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_another_encoding_is_refused_before_anything_is_made(encoding: str) -> None:
    """A function of the ledger has letters that LATIN1 lacks, and SQL_ASCII refuses JSON with any of them."""
    with new_database("folio_encoded", "template0", encoding=encoding) as url:
        done = manage("migrate", "--run-syncdb", url=url)
        assert done.returncode != 0
        told = f"(ledger.E013) The database 'default' has the encoding {encoding}; Folio needs UTF8."
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [0]


def test_another_database_is_refused_in_clear_words(url: str, tmp_path: Path) -> None:
    (tmp_path / "sqlite_settings.py").write_text(SQLITE)
    done = manage("migrate", "ledger", url=url, settings="sqlite_settings", PYTHONPATH=f"{tmp_path}")
    assert done.returncode != 0
    assert "(ledger.E003) The database 'default' is sqlite; Folio needs PostgreSQL 15" in done.stderr
