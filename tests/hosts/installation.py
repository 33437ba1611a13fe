"""A host package for the tests: installed once from the package index, in an environment of its own, and cached.

As with Tryton (``tests/accounting/tryton_installation.py``): what is cached lies in the user's cache folder, under a
key of everything that went into it. Where there is no package index, `Unavailable` says so, and the tests are skipped.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Many times what it takes, for a slow line.
INSTALL_SECONDS = 500.0


class Unavailable(Exception):
    """The package can't be installed here; the text says why."""


def python(name: str, constraints: Path, *packages: str, alone: tuple[str, ...] = ()) -> str:
    """The interpreter of the cached environment, made now if there is none; of two runs at once, one makes it.

    ``alone`` are installed without what they ask for.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-folio" / name
    folder = root / _key(constraints, *packages, *alone)
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            # Of a run that was killed half-way.
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
            _install(folder, "--constraint", str(constraints), *packages)
            if alone:
                _install(folder, "--no-deps", *alone)
            (folder / "ready").touch()
    return str(folder / "bin" / "python")


def _key(constraints: Path, *packages: str) -> str:
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version} {packages}".encode())
    for file in (constraints, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _install(folder: Path, *arguments: str) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "1", "--timeout", "15", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise Unavailable(f"{arguments[-1]} can't be installed from a package index here. {said[-1]}")
