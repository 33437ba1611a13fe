"""Apply each mutant to a copy of the tree, and run the tests that must notice it.

    python -m tests.mutants                      all of them
    python -m tests.mutants --only 'lock removed' --only 'lpad cuts'
    python -m tests.mutants --list

Exit code 0 if every mutant was killed, 1 if one survived, 2 if one could not be applied or its tests could not run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import provision
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".folio", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist"
)

#: How long the tests of one mutant may take, in seconds.
PATIENCE = 180
#: A function that a mutant made endless fails its test, and doesn't stay behind in the server.
ENDLESS = "-c statement_timeout=150s"

KILLED, SURVIVED, BROKEN = "killed", "SURVIVED", "BROKEN"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="one mutant by name; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the mutants and end")
    options = parser.parse_args()
    chosen = [mutant for mutant in CATALOGUE if not options.only or mutant.name in options.only]
    if options.only and len(chosen) < len(set(options.only)):
        parser.error(f"no such mutant: {', '.join(set(options.only) - {mutant.name for mutant in chosen})}")
    if options.list:
        for mutant in chosen:
            print(f"{mutant.name:40} {mutant.path}")
        return 0
    provision.database_url()
    verdicts = []
    for number, mutant in enumerate(chosen, 1):
        verdict, told = try_mutant(mutant)
        verdicts.append(verdict)
        print(f"{number:2}/{len(chosen)}  {verdict:9} {mutant.name:40} {told}", flush=True)
    print(f"{verdicts.count(KILLED)} killed, {verdicts.count(SURVIVED)} survived, {verdicts.count(BROKEN)} broken")
    return 2 if BROKEN in verdicts else 1 if SURVIVED in verdicts else 0


def try_mutant(mutant: Mutant) -> tuple[str, str]:
    """The verdict on one mutant, and what there is to tell: the test that noticed, or why it could not be tried."""
    with tempfile.TemporaryDirectory(prefix="folio-mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        target = tree / mutant.path
        text = target.read_text(encoding="utf-8")
        if text.count(mutant.before) != 1:
            return BROKEN, f"the text to change stands {text.count(mutant.before)} times in {mutant.path}"
        target.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        try:
            done = run_tests(tree, mutant.tests)
        except subprocess.TimeoutExpired:
            return BROKEN, f"{' '.join(mutant.tests)} took longer than {PATIENCE} seconds"
    failed = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode == 1 and failed:
        return KILLED, f"by {failed[0].split(' - ')[0].split('::', 1)[-1]}"
    if done.returncode == 0:
        return SURVIVED, f"{' '.join(mutant.tests)} passed"
    # A mutant that can't even be imported or migrated proves nothing about the tests.
    return BROKEN, f"pytest ended with {done.returncode}: {(done.stdout + done.stderr).strip().splitlines()[-1:]}"


def run_tests(tree: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run these tests of the copy, up to the first that fails."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "PGOPTIONS": ENDLESS},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


if __name__ == "__main__":
    sys.exit(main())
