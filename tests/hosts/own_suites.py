"""Runs, in a host's environment, its own test suite without Folio and with it, and scenarios of ours."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tests.databases import ROOT, new_database
from tests.environments import strangers_environment

#: Many times what the longest takes.
PATIENCE = 1_500
SCENARIOS_PATIENCE = 300


def results(python: str, settings: str, folder: Path, *arguments: str, with_folio: bool) -> dict[str, str]:
    """The outcome of each test, by its name: "passed", "failed" or "skipped"."""
    report = folder / f"{settings}-{with_folio}.xml"
    with new_database("folio_host") as url:  # whose role may make the database that pytest wants
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments],
            cwd=folder,
            env=strangers_environment(
                DATABASE_URL=url,
                DJANGO_SETTINGS_MODULE=settings,
                PYTHONPATH=str(ROOT),
                WITH_FOLIO="1" if with_folio else "",
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert report.exists(), done.stdout + done.stderr
    report.with_suffix(".txt").write_text(done.stdout)
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314  (our own file)
    return {f"{case.get('classname')}::{case.get('name')}": _outcome(case) for case in cases}


def scenarios_output(python: str, module: str, database: str, environment: dict[str, str], *arguments: str) -> str:
    """What the module prints of its scenarios, run once on a new database that the host has migrated."""
    with new_database(database, owned=True) as url:
        for command in (["django", "migrate", "--run-syncdb", "--verbosity", "0"], [module, *arguments]):
            done = subprocess.run(
                [python, "-m", *command],
                cwd=ROOT,
                env={**environment, "DATABASE_URL": url},
                capture_output=True,
                text=True,
                check=False,
                timeout=SCENARIOS_PATIENCE,
            )
            assert done.returncode == 0, done.stderr
    return done.stdout


def _outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


def compare(without: dict[str, str], with_folio: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The figures, for the report of the run; and the tests that Folio alone fails, by what they did without it."""
    figures = [
        ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(one.values()).items()))
        for one in (without, with_folio)
    ]
    worse = {
        name.rpartition(".")[2]: without.get(name, "absent")
        for name, outcome in with_folio.items()
        if outcome == "failed" and without.get(name) != "failed"
    }
    gone = {name: "gone" for name in without if name not in with_folio}
    return f"without Folio: {figures[0]}; with it: {figures[1]}", {**worse, **gone}
