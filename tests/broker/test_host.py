"""A host project with a Celery app of its own: one import brings tasks and schedule; and one without Celery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.broker.processes import CeleryProcess
from tests.broker.redis_server import RedisServer
from tests.broker.waiting import until
from tests.databases import new_database

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
import os
from ledger.site.database import database_settings

SECRET_KEY = "for a test"
USE_TZ = True
DATABASES = {"default": database_settings(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "ledger"]
LEDGER = {"SWEEPS": {"heal": {"every": 1}}}
CELERY_BROKER_URL = os.environ["SHOP_BROKER"]
"""

# As Celery's own documentation has it, and as docs/guides/workers.md has Folio's two lines.
INIT = """
from shop.celery import app as celery_app

__all__ = ("celery_app",)
"""
CELERY = """
import os
from celery import Celery
from workers.tasks import schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {"shop-report": {"task": "shop.report", "schedule": 3600.0}, **schedule()}
"""

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "shop").mkdir(parents=True)
    for name, text in (("__init__", INIT), ("celery", CELERY), ("settings", SETTINGS)):
        (folder / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "manage.py").write_text(MANAGE, encoding="utf-8")
    return folder


def manage(project: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_app_by_one_import(project: Path, broker: RedisServer, tmp_path: Path) -> None:
    with new_database("host_celery", owned=True) as url:
        environment = {
            "DATABASE_URL": url,
            "SHOP_BROKER": broker.url,
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONPATH": f"{project}:{ROOT}",
        }
        environment["REDIS_URL"] = "redis://127.0.0.1:1/0"  # Folio's own app is not asked
        manage(project, environment, "migrate", "--verbosity", "0")
        arguments = [
            ["-A", "shop", "worker", "--concurrency=2", "--loglevel=INFO"],
            ["-A", "shop", "beat", "--pidfile=", f"--schedule={tmp_path / 'schedule'}", "--loglevel=INFO"],
        ]
        started = [CeleryProcess(tmp_path, one, environment, cwd=project) for one in arguments]
        try:
            with psycopg.connect(url, autocommit=True) as connection:

                def sweeps_that_succeeded() -> int:
                    row = connection.execute(
                        "SELECT count(DISTINCT sweep) FROM ledger_sweeprun WHERE error = '' AND finished_at IS NOT NULL"
                    ).fetchone()
                    return int(row[0]) if row else 0

                until(lambda: sweeps_that_succeeded() == 8, lambda: "\n".join(process.said for process in started))
        finally:
            for process in started:
                process.kill()
        assert not any(
            one["overdue"] for one in json.loads(manage(project, environment, "ledger_sweep", "--status", "--json"))
        )


def test_everything_without_celery(project: Path) -> None:
    """No broker, and a Celery that can't even be imported."""
    (project / "shop" / "__init__.py").write_text("", encoding="utf-8")
    (project / "shop" / "celery.py").unlink()
    (project / "celery.py").write_text("raise ModuleNotFoundError('No module named celery')\n", encoding="utf-8")
    with new_database("host_plain", owned=True) as url:
        environment = {
            "DATABASE_URL": url,
            "SHOP_BROKER": "",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONPATH": f"{project}:{ROOT}",
        }
        manage(project, environment, "migrate", "--verbosity", "0")
        rows = json.loads(manage(project, environment, "ledger_sweep", "--json"))
        assert {row["sweep"] for row in rows} == {
            "open_next_periods",
            "refill_pools",
            "flag_gaps",
            "heal",
            "close_periods",
            "missing_documents",
            "seal",
            "verify",
        }
        assert not any(row["error"] for row in rows)
        assert not any(
            one["overdue"] for one in json.loads(manage(project, environment, "ledger_sweep", "--status", "--json"))
        )
