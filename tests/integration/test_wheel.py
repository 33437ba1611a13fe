"""The built wheel in an unrelated Django project: `INSTALLED_APPS += ["ledger"]`, `migrate`, and the first number."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests import provision
from tests.environments import CONSTRAINTS, OTHERS, ROOT, installed, make, pythons, run, why_missing

#: What `pip install django-folio[binary]` may bring: Django and psycopg, and what these two need themselves.
BASE = {"django-folio", "django", "asgiref", "sqlparse", "psycopg", "psycopg-binary", "typing-extensions", "tzdata"}

SHOP = """
from django.db import models


class Order(models.Model):
    reference = models.CharField(max_length=20)
"""

TESTS = """
from django.db import transaction
from django.test import TestCase, TransactionTestCase
from ledger import issue
from shop.models import Order


class Checkout(TransactionTestCase):
    def test_first(self):
        with transaction.atomic():
            self.assertEqual(issue("invoice", document=Order.objects.create(reference="a")).value, 1)

    def test_second_starts_anew(self):
        with transaction.atomic():
            self.assertEqual(issue("invoice", document=Order.objects.create(reference="b")).value, 1)


class Rolled(TestCase):
    def test_third(self):
        self.assertEqual(issue("invoice").value, 1)
"""

CHECKOUT = """
import datetime
from django.db import transaction
from ledger import issue, preview, void
from shop.models import Order

with transaction.atomic():
    order = Order.objects.create(reference="A1")
    number = issue("invoice", org="shop", document=order, on=datetime.date(2026, 5, 1))
void(number, reason="payment reversed")
print(number, preview("invoice", org="shop", on=datetime.date(2026, 5, 1)))
"""


def test_the_wheel_holds_what_runs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"ledger", "workers"}
    for needed in ("ledger/py.typed", "workers/py.typed", "ledger/sql/functions/ledger_issue_serial.sql"):
        assert needed in names
    sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / "ledger").rglob("*") if path.is_file()]
    missing = [name for name in sources if "__pycache__" not in name and name not in names]
    assert not missing
    # What only the demo and the tests need stays with the sources.
    assert [name for name in names if name.endswith((".csv", ".md")) and ".dist-info/" not in name] == []
    assert not [name for name in names if name.startswith("tests/") or "demo" in name or "admin_site" in name]


def test_pip_installs_it_in_an_unrelated_project(wheel: Path, tmp_path: Path) -> None:
    """With pip, as a merchant does it, and with the releases that all other tests have passed with."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--constraint", CONSTRAINTS, f"{wheel}[binary]", cwd=tmp_path)
    expect_a_shop_to_work(python, tmp_path)


@pytest.mark.live
@pytest.mark.parametrize("version", OTHERS)
def test_other_pythons_take_the_newest_django(version: str, wheel: Path, tmp_path: Path) -> None:
    """The newest Django that this Python and Folio allow, which may be newer than the tests of Folio itself know."""
    if version not in pythons():
        pytest.skip(why_missing(version))
    python = make(tmp_path / "venv", pythons()[version], f"{wheel}[binary]", tested=False)
    expect_a_shop_to_work(python, tmp_path)


def expect_a_shop_to_work(python: Path, tmp_path: Path) -> None:
    """A project of Django's own making with Folio and a shop: migrate, check, a checkout, and its tests."""
    assert installed(python) - {"pip", "setuptools", "wheel"} <= BASE
    project = tmp_path / "project"
    project.mkdir()
    run(python, "-m", "django", "startproject", "project", ".", cwd=project)
    run(python, "manage.py", "startapp", "shop", cwd=project)
    (project / "shop" / "models.py").write_text(SHOP, encoding="utf-8")
    (project / "shop" / "tests.py").write_text(TESTS, encoding="utf-8")
    name = f"host_{uuid4().hex[:8]}"
    with (project / "project" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(
            "\nfrom psycopg.conninfo import conninfo_to_dict\n"
            f"given = conninfo_to_dict({provision.database_url()!r})\n"
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': " + repr(name) + ",\n"
            "    'HOST': given.get('host', ''), 'PORT': given.get('port', ''), 'USER': given.get('user', ''),\n"
            "    'PASSWORD': given.get('password', '')}}\n"
            "INSTALLED_APPS += ['ledger', 'shop']\n"
        )
    with psycopg.connect(provision.database_url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            run(python, "manage.py", "makemigrations", "shop", cwd=project)
            run(python, "manage.py", "makemigrations", "--check", cwd=project)
            run(python, "manage.py", "migrate", cwd=project)
            run(python, "manage.py", "check", cwd=project)
            said = run(python, "manage.py", "shell", "-c", CHECKOUT, cwd=project)
            assert "INV-2026-000001 INV-2026-000002" in said
            run(python, "manage.py", "test", cwd=project)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
