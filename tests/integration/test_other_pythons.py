"""Folio on the other Pythons of this machine, with the newest Django that it allows: the demo, the workers, the core.

The tests themselves run on one Python. What they show of another one is shown by running them there, in an environment
of its own with the releases of tests/constraints.txt, which are of the newest Django from Python 3.12 on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import provision
from tests.databases import new_database
from tests.environments import OTHERS, ROOT, make, pythons, run, why_missing

pytestmark = pytest.mark.live

#: What runs Folio (`up` brings the other extras), and what runs its tests; the documentation is built on one Python.
EXTRAS = "accounting,reports,up,test"

#: The suite's core, in a few minutes: what another Python, or another Django with its psycopg, could break is how
#: numbers are given out, on one connection and on many, what is written once for each Python (types, dates, pickles),
#: and what Django is asked for behind its documentation (hooks on a connection, instances made without ``__init__``).
#: Pages, reports and commands stand on the same Django in the demo above, and in the suite on one Python.
CORE = (
    "tests/unit",
    "tests/concurrency",
    "tests/integration/test_issuing.py",
    "tests/integration/test_allocations.py",
    "tests/integration/test_idempotence.py",
    "tests/docs/test_runner.py",
)
#: Seconds for one of them: many times what it takes.
PATIENCE = 3000.0

#: The one that runs the core: the newest that Django's newest release is made for, and this machine has.
NEWEST = max(
    (version for version in pythons() if version in OTHERS), key=lambda text: int(text.split(".")[1]), default=""
)


@pytest.fixture(scope="module")
def environments(wheel: Path) -> Iterator[dict[str, Path]]:
    """The Python of an environment for each version, made when it is first asked for.

    Under root PostgreSQL runs as another user of the machine, out of the environment: it may read there, which it may
    not in pytest's own folder.
    """

    class Environments(dict[str, Path]):
        def __missing__(self, version: str) -> Path:
            if version not in pythons():
                pytest.skip(why_missing(version))
            self[version] = make(folder / version, pythons()[version], f"{wheel}[{EXTRAS}]")
            return self[version]

    with TemporaryDirectory(prefix="folio-pythons-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield Environments()


@pytest.mark.parametrize("version", OTHERS)
def test_the_demo_can_be_repeated(version: str, environments: dict[str, Path], tmp_path: Path) -> None:
    python = environments[version]
    with new_database("demo_elsewhere", owned=True) as url:
        environment = {"PATH": str(python.parent), "DATABASE_URL": url, "FOLIO_HOME": str(tmp_path / "home")}
        for tenant in ("retailer", "retailer-2"):
            said = run(
                python,
                "manage.py",
                "demo",
                "--settings=tests.demo.settings",
                "--checkouts",
                "90",
                cwd=ROOT,
                env=environment,
            )
            assert tenant in said
            assert "8 differences were planted" in said
            assert "NOT FOUND" not in said
            assert "nothing found: every value is accounted for" in said


@pytest.mark.parametrize("version", OTHERS)
def test_the_workers(version: str, environments: dict[str, Path]) -> None:
    """With only the environment's PATH, so that the broker is the Valkey of its wheel."""
    python = environments[version]
    expect_to_pass(python, "tests/broker", "tests/integration/test_workers.py", PATH=str(python.parent))


def test_the_core_of_the_suite(environments: dict[str, Path], tmp_path: Path) -> None:
    if not NEWEST:
        pytest.skip("no other Python on this machine: neither on PATH nor in pyenv's folder")
    python = environments[NEWEST]
    version = run(python, "-c", "import django; print(django.VERSION >= (6, 1))", cwd=tmp_path)
    assert version.strip() == "True", "tests/constraints.txt should have the newest Django for this Python"
    expect_to_pass(python, *CORE)


def expect_to_pass(python: Path, *paths: str, **environment: str) -> None:
    """Run these tests on that Python. They have servers of their own, or a database on the server that was given."""
    with ExitStack() as stack:
        if provision.database_origin() == provision.GIVEN:
            environment["DATABASE_URL"] = stack.enter_context(new_database("other_python"))
        command: list[str | Path] = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]
        said = run(*command, cwd=ROOT, env=environment, patience=PATIENCE)
    # Shown with -s: what could not run there.
    print(said)
