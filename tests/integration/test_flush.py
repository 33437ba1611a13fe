"""``manage.py flush``: refused, with the reason, for a ledger; Django's own for everything else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, connections

from ledger import issue, testing
from ledger.errors import NotMigrated
from ledger.management.commands.flush import Command
from tests.databases import database_alias, manage
from tests.shop.models import Organization


def test_a_ledger_says_why_it_can_not_be_emptied_without_a_question(plain_database: str) -> None:
    """Without a terminal, a question would end the command in another way."""
    done = manage("flush", url=plain_database)
    assert done.returncode == 1
    assert "holds a ledger" in done.stderr
    assert "refuse TRUNCATE" in done.stderr
    for way_out in ("create a new database", "test runner", "a tenant, a schema or a database"):
        assert way_out in done.stderr
    assert "running" not in done.stderr


def test_each_alias_is_looked_at_by_itself(plain_database: str, django_db_blocker: Any) -> None:
    assert get_commands()["flush"] == "ledger"
    with django_db_blocker.unblock(), database_alias("plain", plain_database) as plain:
        assert testing.refuses_truncate(plain)
        with pytest.raises(CommandError, match="holds a ledger"):
            call_command(Command(), database="plain", interactive=False)


@pytest.mark.django_db(transaction=True)
def test_a_test_database_is_flushed() -> None:
    assert not testing.refuses_truncate(connection)
    Organization.objects.create(name="Shop")
    call_command("flush", interactive=False, verbosity=0)
    assert not Organization.objects.exists()


def test_a_database_of_another_kind_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert not testing.refuses_truncate(connections["default"])


def test_issuing_there_says_what_is_the_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    with pytest.raises(NotMigrated, match="is sqlite, so it has no ledger"):
        issue("invoice")
