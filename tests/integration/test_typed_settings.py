"""``define_series`` says to mypy what it takes: in a host project, with Django's plugin for mypy and without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.models import Series
from ledger.series import SETTINGS
from tests.databases import ROOT

HOST = """
from ledger import define_series

define_series("invoice", template="INV-{counter}", calendar="never", start_value=7, rules=("DE", "FR-einvoice"))
define_series("invoice", org="shop-7", close_after_days=None, is_active=True).code.upper()
define_series("invoice", start_value="7")
define_series("invoice", templte="INV-{counter}")
"""
WRONG = {6: 'Argument "start_value"', 7: 'Unexpected keyword argument "templte"'}


def test_each_setting_is_a_field() -> None:
    fields = {field.name for field in Series._meta.get_fields()}
    assert set(SETTINGS) <= fields


@pytest.mark.live
@pytest.mark.parametrize("plugin", [True, False], ids=["with the plugin", "without it"])
def test_in_a_host_project(plugin: bool, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HOST)
    (tmp_path / "shop_settings.py").write_text("SECRET_KEY = 'x'\nINSTALLED_APPS = ['ledger']\nUSE_TZ = True\n")
    asked = "plugins = mypy_django_plugin.main\n" if plugin else ""
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\n{asked}follow_imports = silent\n[mypy.plugins.django-stubs]\ndjango_settings_module = shop_settings\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "shop.py"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(ROOT), "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("shop.py") and ": error: " in line]
    assert [int(line.split(":")[1]) for line in told] == list(WRONG), done.stdout + done.stderr
    assert all(text in line for text, line in zip(WRONG.values(), told, strict=True)), told
