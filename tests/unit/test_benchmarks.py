"""The benchmarks run for an hour, and seldom: what they use of the product must be there all the time."""

from __future__ import annotations

import os
import subprocess
import sys

_MAKE_EACH = """
import django
django.setup()
from importlib import import_module
from tests.benchmarks.catalogue import CATALOGUE
for path in CATALOGUE.values():
    module, _, function = path.partition(".")
    getattr(import_module(f"tests.benchmarks.questions.{module}"), function)
print(len(CATALOGUE))
"""


def test_each_benchmark_can_be_imported() -> None:
    """In a process of its own, since the benchmarks are a host project with settings and models of their own."""
    nowhere = "postgresql://nobody@localhost/nowhere"  # nothing connects
    settings = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings"}
    settings |= {"FOLIO_BENCHMARKS_URL": nowhere, "FOLIO_BENCHMARKS_SECOND": nowhere}
    done = subprocess.run(
        [sys.executable, "-c", _MAKE_EACH], env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
