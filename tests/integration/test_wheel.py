"""The built wheel in an unrelated Django project: `INSTALLED_APPS += ["ledger"]`, `migrate`, and the first number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests import provision

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "tests" / "constraints.txt"

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


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if k not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}}
    done = subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("django_folio-*.whl"))


def interpreters() -> list[str]:
    others = [f"python3.{minor}" for minor in (11, 12, 13, 14) if minor != sys.version_info.minor]
    return [sys.executable, *others]


def usable(interpreter: str) -> bool:
    # A shim of a version manager may be on PATH without a Python behind it.
    return (
        shutil.which(interpreter) is not None
        and not subprocess.run(
            [interpreter, "-c", "import venv, ensurepip"], capture_output=True, check=False
        ).returncode
    )


def test_the_wheel_holds_what_runs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"ledger", "workers"}
    for needed in ("ledger/py.typed", "workers/py.typed", "ledger/migrations/sql/issue_serial.sql"):
        assert needed in names
    sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / "ledger").rglob("*") if path.is_file()]
    missing = [name for name in sources if "__pycache__" not in name and name not in names]
    assert not missing


@pytest.mark.parametrize("interpreter", interpreters())
def test_an_unrelated_project_installs_it(interpreter: str, wheel: Path, tmp_path: Path) -> None:
    if not usable(interpreter):
        pytest.skip(f"no {interpreter} on this machine to try the wheel with")
    run(interpreter, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    # Our own Python takes the tested releases; the others take the newest Django that they and Folio allow.
    pinned: list[str | Path] = ["--constraint", CONSTRAINTS] if interpreter == sys.executable else []
    run(*pip, "install", "--quiet", *pinned, f"{wheel}[binary]", cwd=tmp_path)
    installed = {line.split("==")[0].lower().replace("_", "-") for line in run(*pip, "freeze", cwd=tmp_path).split()}
    assert {name for name in installed if not name.startswith(("@", "file:"))} <= BASE

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
