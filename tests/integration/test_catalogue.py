"""The shipped description of the schema is the one that the migrations make: ``python -m tests.catalogue``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.verification import catalogue
from ledger.verification.catalogue import Catalogue
from tests import catalogue as generator
from tests.databases import database_alias


@pytest.fixture(scope="module")
def there(plain_database: str, django_db_blocker: Any) -> Iterator[Catalogue]:
    with database_alias("described", plain_database) as connection, django_db_blocker.unblock():
        yield generator.describe(connection)


def test_the_shipped_description_is_what_the_migrations_make(there: Catalogue) -> None:
    shipped = catalogue.shipped()
    changed = generator.different(shipped.objects, there.objects)
    assert not changed, "\n".join([generator.RENEW, *changed])
    assert shipped.public == generator.public(there), generator.RENEW
    assert str(there.major) in shipped.postgresql, (
        f"{catalogue.FILE.name} doesn't say that it was compared on PostgreSQL {there.major}: {generator.RENEW}"
    )


def test_a_description_that_is_not_renewed_says_what_to_do(
    there: Catalogue, plain_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """What a developer sees, of a file that lacks a trigger and has another text of a function."""
    objects = {kind: dict(those) for kind, those in there.objects.items()}
    del objects["trigger"]["ledger_entry.ledger_entry_fits"]
    objects["function"]["ledger_entry_fits()"] = {**objects["function"]["ledger_entry_fits()"], "text": "of before"}
    file = tmp_path / "catalogue.json"
    file.write_text(generator.written({"99": "99.1"}, objects, generator.public(there)), encoding="utf-8")
    monkeypatch.setattr(catalogue, "FILE", file)
    monkeypatch.setattr(catalogue, "shipped", catalogue.shipped.__wrapped__)
    monkeypatch.setattr(generator, "read_all", lambda named: [there])

    assert generator.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "run `python -m tests.catalogue`" in said
    assert "trigger ledger_entry.ledger_entry_fits:\n  - None\n" in said
    assert "of before" in said

    assert generator.main([]) == 0
    said = capsys.readouterr().out
    assert f"written; compared on {there.major}." in said
    assert "Not compared any more: 99." in said
    assert catalogue.shipped().objects == there.objects
    assert catalogue.shipped().postgresql == {str(there.major): there.version}
    assert generator.main(["--check"]) == 0


def test_a_major_that_is_not_here_stays_while_nothing_changes(
    there: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(generator.written({"99": "99.1"}, there.objects, generator.public(there)), encoding="utf-8")
    monkeypatch.setattr(catalogue, "FILE", file)
    monkeypatch.setattr(catalogue, "shipped", catalogue.shipped.__wrapped__)
    monkeypatch.setattr(generator, "read_all", lambda named: [there])
    assert generator.main([]) == 0
    assert catalogue.shipped().postgresql == {str(there.major): there.version, "99": "99.1"}


def test_majors_that_differ_are_not_written(there: Catalogue, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    other = Catalogue("public", 99, "99.1", {**there.objects, "rule": {"ledger_entry.r": {"definition": "x"}}}, ())
    monkeypatch.setattr(generator, "read_all", lambda named: [there, other])
    before = catalogue.FILE.read_bytes()
    assert generator.main([]) == 1
    assert "describe it differently:\nrule ledger_entry.r:" in capsys.readouterr().out
    assert catalogue.FILE.read_bytes() == before
