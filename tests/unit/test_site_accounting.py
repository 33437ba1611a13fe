"""LEDGER_ACCOUNTING_FILE becomes LEDGER_ACCOUNTING, and takes no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from ledger.site.accounting import accounting_settings
from workers.accounting import systems

ROOT = Path(__file__).resolve().parents[2]

TOML = """
[SYSTEMS.books]
adapter = "xero"
organisation = "org-1"
credentials = {ENV = "BOOKS_"}
series = ["invoice"]
push = "2026-01-01"
describe = "shop.books:describe"

[SYSTEMS.books.options]
page_size = 200
"""
AS_READ = {
    "SYSTEMS": {
        "books": {
            "adapter": "xero",
            "organisation": "org-1",
            "credentials": {"ENV": "BOOKS_"},
            "series": ["invoice"],
            "push": "2026-01-01",
            "describe": "shop.books:describe",
            "options": {"page_size": 200},
        }
    }
}


def write(folder: Path, text: str, name: str = "accounting.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    assert accounting_settings(write(tmp_path, TOML)) == AS_READ
    assert accounting_settings(write(tmp_path, json.dumps(AS_READ), "accounting.json")) == AS_READ


def test_the_workers_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKS_CLIENT_SECRET", "sesame")
    with override_settings(LEDGER_ACCOUNTING=accounting_settings(write(tmp_path, TOML))):
        system = systems.system("books")
    assert system.credentials["client_secret"].reveal() == "sesame"
    assert (system.series, system.push, system.options) == (("invoice",), "2026-01-01", {"page_size": 200})


@pytest.mark.parametrize("name", ["empty.toml", "empty.json"])
def test_an_empty_file_names_no_systems(tmp_path: Path, name: str) -> None:
    assert accounting_settings(write(tmp_path, "\n", name)) == {}
    assert accounting_settings(Path("/dev/null")) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[SYSTEMS.books]\nadapter = "xero"\ncredentials = {client_secret = "sesame-1"}', "has credentials of books"),
        ('[SYSTEMS.books]\ncredentials = "sesame-1"', "has credentials of books"),
        ('[SYSTEMS.books]\ncredentials = {ENV = ["sesame-1"]}', "has credentials of books"),
        ('TOKEN_KEYS = ["sesame-1"]', "TOKEN_KEYS at its top"),
        ('SYSTEMS = ["sesame-1"]', "tables under SYSTEMS"),
        ('[SYSTEMS.books\nkey = "sesame-1"', r"is no TOML \(at line 1, column \d+\)"),
        ('key = "sesame-1', r"is no TOML"),
    ],
)
def test_mistakes_are_told_and_never_quoted(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=told) as caught:
        accounting_settings(write(tmp_path, text))
    assert "sesame-1" not in str(caught.value)
    assert "LEDGER_ACCOUNTING_FILE" in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ['{"SYSTEMS": {"books": "sesame-1"', '["sesame-1"]'])
def test_mistakes_in_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no JSON object") as caught:
        accounting_settings(write(tmp_path, text, "accounting.json"))
    assert "sesame-1" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        accounting_settings(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match="isn't UTF-8"):
        accounting_settings(tmp_path / "binary.toml")


@pytest.mark.parametrize("given", [True, False])
def test_the_sites_settings_read_it(tmp_path: Path, given: bool) -> None:
    code = "from ledger.site import settings; import json; print(json.dumps(settings.LEDGER_ACCOUNTING))"
    file = str(write(tmp_path, TOML)) if given else ""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "LEDGER_ACCOUNTING_FILE": file, "FOLIO_HOME": str(tmp_path), "SECRET_KEY": "x" * 50},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == (AS_READ if given else {})
