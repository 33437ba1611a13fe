"""What the newcomer's ``pip install`` finds: the wheel of this tree, and wheels of all that it brings, kept in a cache.

As with django-oscar (``tests/hosts/installation.py``): the wheels lie in the user's cache folder, under a key of
everything that went into them, so that a run after the first needs no package index and loses no time with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.reading import ROOT

CONSTRAINTS = ROOT / "tests" / "constraints.txt"
#: Many times what it takes, for a slow line.
SECONDS = 500.0


class Unavailable(Exception):
    """There is no package index to install from."""


def wheels(of: Path, extras: str) -> Path:
    """A folder with all wheels that our wheel ``of`` needs with these extras; of two runs at once, one fills it."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-folio" / "tutorial"
    folder = root / _key(extras)
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            # Of a run that was killed half-way.
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder, f"{of}[{extras}]")
            next(folder.glob("django_folio-*.whl")).unlink()
            (folder / "ready").touch()
    return folder


def environment(*folders: Path) -> dict[str, str]:
    """Variables that have ``pip install``, as it stands in a page, take what it installs from these folders alone."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": " ".join(map(str, folders)),
        "PIP_CONSTRAINT": str(CONSTRAINTS),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        # What is imported is compiled then; the rest never is.
        "PIP_NO_COMPILE": "1",
    }


def _key(extras: str) -> str:
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version} {extras}".encode())
    for file in (CONSTRAINTS, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _fill(folder: Path, what: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--retries", "1", "--timeout", "15", "--constraint", str(CONSTRAINTS), "--dest", str(folder), what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise Unavailable(f"A newcomer can't install Folio from a package index here. {said[-1]}")
