"""A host's tests on a database made without migrations get an error that says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections
from django.test import override_settings, utils

from ledger.database_errors import made_without_migrations
from tests.databases import new_database
from tests.environments import ROOT, strangers_environment

TESTS = """
import pytest
from django.db import transaction
from ledger import define_series, issue, issue_many

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("allocation", ["serial", "at_commit", "pooled", "reserved"])
def test_issue(allocation):
    define_series("invoice", template="{counter}", calendar="never", allocation=allocation)
    with transaction.atomic():
        str(issue("invoice"))

@pytest.mark.django_db
def test_issue_many():
    issue_many("invoice", documents=["order:1", "order:2"])
"""


def test_pytest_s_nomigrations(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nomigrations", "--tb=line", "-p", "no:valkey", "-rf"]
    with new_database("without_migrations") as url:
        environment = strangers_environment(
            DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.settings", PYTHONPATH=str(ROOT), COLUMNS="1000"
        )
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "5 failed in" in done.stdout, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert len(told) == 5
    for line in told:
        assert "NotMigrated: The tables of this database were made from the models" in line
        assert "--nomigrations" in line
        assert "manage.py migrate" not in line


class TestMadeWithoutMigrations:
    def test_with_migrations_nothing_is_told(self) -> None:
        assert made_without_migrations() == ""

    @override_settings(MIGRATION_MODULES={"ledger": None})
    def test_by_the_setting(self) -> None:
        assert "MIGRATION_MODULES" in made_without_migrations()

    def test_by_the_test_setting_of_a_database_while_tests_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connections.settings["default"]["TEST"], "MIGRATE", False)
        assert "DATABASES['default']['TEST']['MIGRATE']" in made_without_migrations()
        monkeypatch.delattr(utils._TestState, "saved_data")
        assert made_without_migrations() == ""
