"""The site's secret key, and processes that must not have it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "k" * 50
SHOW = "from ledger.site import settings; print(settings.SECRET_KEY)"


def run(home: Path, code: str, **values: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with the environment of a service in a container."""
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "ledger.site.settings", **values}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "FOLIO_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def printed_key(home: Path, **values: str) -> str:
    done = run(home, SHOW, **values)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = printed_key(tmp_path)
    assert len(first) >= 50
    assert printed_key(tmp_path) == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_given_key_is_taken(tmp_path: Path) -> None:
    assert printed_key(tmp_path, SECRET_KEY=KEY) == KEY
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [{}, {"SECRET_KEY": KEY}])
def test_a_process_that_signs_nothing_has_a_key_of_its_own(tmp_path: Path, given: dict[str, str]) -> None:
    first, second = (printed_key(tmp_path, SIGNS_NOTHING="1", **given) for _ in range(2))
    assert len({first, second, KEY}) == 3
    assert min(len(first), len(second)) >= 50
    # It is not kept: the site could find it, and a read-only file system would refuse it.
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [{}, {"SECRET_KEY": KEY}])
def test_such_a_process_serves_no_page(tmp_path: Path, given: dict[str, str]) -> None:
    done = run(tmp_path, "import ledger.site.wsgi", SIGNS_NOTHING="1", **given)
    assert done.returncode == 1
    assert "ImproperlyConfigured: SIGNS_NOTHING is set, but the site signs sessions" in done.stderr
    assert run(tmp_path, "import ledger.site.wsgi", SECRET_KEY=KEY, SIGNS_NOTHING="0").returncode == 0
