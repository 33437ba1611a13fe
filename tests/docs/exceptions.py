"""The one table of what is not run, each with its reason; and of commands whose exit code is not 0.

A new block or command is run unless it has a line here; a line that nothing needs any more fails
(``test_examples.py::test_no_exception_is_stale``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.docs.reading import ROOT, Block


@dataclass(frozen=True, slots=True)
class NotRun:
    """Blocks, and commands of console blocks, in ``page`` (a pattern) that ``text`` (a regular expression) finds.

    A console block as a whole is meant by an empty ``text`` alone: else a command would take its neighbours along.
    """

    page: str
    text: str
    reason: str
    #: What is looked at instead; it raises AssertionError.
    instead: Callable[[str], None] | None = None
    #: The program that it needs: where it is installed, the block is run after all.
    program: str = ""

    def means(self, block: Block) -> bool:
        """Whether it is about this block, or this command."""
        return _means(self.page, self.text, block)


@dataclass(frozen=True, slots=True)
class Exit:
    """Commands whose exit code says something, which is what the page is about."""

    page: str
    text: str
    code: int
    reason: str

    def means(self, block: Block) -> bool:
        """Whether it is about this command."""
        return _means(self.page, self.text, block)


def _means(page: str, text: str, block: Block) -> bool:
    is_whole = block.text.startswith("$ ")
    return fnmatchcase(block.page, page) and not (is_whole and text) and re.search(text, block.text) is not None


def extras_exist(command: str) -> None:
    """The command installs Folio, with extras that it has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = re.search(r"django-folio\[([\w,]+)\]", command)
    assert found is not None, f"{command}: no extra of django-folio"
    assert set(found[1].split(",")) <= set(project["optional-dependencies"]), command


def target_exists(command: str) -> None:
    """Make knows the target, and could make it."""
    words = command.partition("#")[0].split()[1:]
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


NOT_RUN = (
    NotRun("*", r"^pip install ", "Installs from a package index; the tutorial's does so.", extras_exist),
    NotRun("*", r"^make \w+", "Runs for long, or until Ctrl-C; other tests run what it runs.", target_exists),
    NotRun("*", r"^(\w+=\S+ )?celery -A workers ", "Runs until Ctrl-C; tests/broker and test_up.py start both."),
    NotRun("*", r"^docker compose ", "Needs Docker; test_compose_roles.py does the same without it."),
    NotRun("docs/guides/deploying.md", r"^limit_req_zone ", "Needs nginx."),
    NotRun("*", r"\| jq ", "Not on every machine.", program="jq"),
    NotRun("*", r"^psql ", "Not on every machine; the scene makes the role."),
    NotRun(
        "docs/guides/from-django-sequences.md",
        r"^INSTALLED_APPS = ",
        "The original is installed here, so the shim refuses to start; tests/compat/test_shims.py starts it without.",
    ),
    NotRun(
        "docs/guides/from-django-plans.md", r"ledger\.compat\.django_plans", "Needs django-plans; tests/hosts has it."
    ),
    NotRun("docs/guides/from-django-plans.md", r"ledger_migrate_from", "test_old_names.py moves such counters."),
    NotRun("docs/guides/from-lorikeet.md", r"providing_args", "Of a process with Lorikeet; tests/hosts has one."),
    NotRun(
        "docs/guides/recipes.md", r"factory\.django", "Needs factory_boy, a shop's factories in tests/hosts are alike."
    ),
    NotRun("docs/guides/schemas.md", r"django_tenants", "Needs django-tenants; tests/tenants runs this block with it."),
    NotRun(
        "docs/guides/schemas.md",
        r"^python manage\.py (migrate_schemas|tenant_command|\w+ --database north)",
        "Needs django-tenants, or another schema; tests/tenants and tests/concurrency/test_schemas.py have them.",
    ),
    NotRun(
        "docs/guides/ranges.md", r"ledger_ranges caf", "A file of the SII and a hook of the reader's; a test reads one."
    ),
    NotRun(
        "docs/guides/homes.md", r"home_of\(shop\)|ledger_home (move|drop)", "Needs a second home; tests/homes has them."
    ),
    NotRun("docs/contributing/setting-up.md", r"-m pytest", "Of a clone with its .venv, in which this runs."),
    NotRun("docs/contributing/translating.md", r"-m (tests|pytest)", "Of a clone with its .venv, in which this runs."),
    NotRun("docs/guides/seals.md", r"^openssl genpkey", "OpenSSL's own command, which tests of keys run."),
    NotRun("docs/benchmarks.md", r"", "Cut out of tests/benchmarks by `make bench`, which has run it."),
)

EXITS = (
    Exit("*", r"manage\.py ledger_gaps( sweep)?( *#.*)?$", 1, "A gap is there that nobody has explained."),
    Exit("docs/explanation/judging.md", r"ledger_verify alarms", 2, "The alarm that is acknowledged next."),
    Exit("docs/guides/report.md", r"manage\.py ledger_report --(series|format)", 1, "The same gap."),
    Exit("docs/guides/upgrading.md", r"manage\.py ledger_verify", 1, "The same gap."),
    Exit("*", r"ledger_reconcile (findings )?--system", 1, "An invoice isn't in the books."),
    Exit("docs/guides/workers.md", r"ledger_sweep --status", 1, "Not every sweep has run so far."),
)


def of(block: Block) -> NotRun | None:
    """Why this block, or this command, is not run; None if it is."""
    return next((line for line in NOT_RUN if line.means(block) and not shutil.which(line.program)), None)


def exit_code_of(command: Block) -> int:
    """The exit code that the command must end with."""
    return next((line.code for line in EXITS if line.means(command)), 0)
