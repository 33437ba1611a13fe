"""Environments of their own for tests: which Pythons this machine has, and what is installed for one test alone.

uv makes them: a new environment with Folio's wheel and all extras takes a second, where pip takes half a minute. What
it has fetched once lies in its cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "tests" / "constraints.txt"

#: The Pythons that Folio is for.
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHERS = tuple(version for version in VERSIONS if version != OURS)

#: Seconds for one installation: many times what it takes, for a slow line.
PATIENCE = 500.0


@cache
def pythons() -> dict[str, Path]:
    """This machine's Pythons that Folio supports, by version, including the one that runs the tests."""
    found = {version: python for version in OTHERS if (python := _find(version)) is not None}
    return {OURS: Path(sys.executable), **found}


def missing_pythons() -> list[str]:
    """The versions that Folio supports and this machine doesn't have."""
    return [version for version in VERSIONS if version not in pythons()]


def why_missing(version: str) -> str:
    """The reason of a test that is skipped without a Python."""
    return f"no Python {version} on this machine: neither on PATH nor in pyenv's folder"


def make(folder: Path, python: Path, *requirements: str, tested: bool = True) -> Path:
    """Make an environment in ``folder`` with ``requirements``, and return its Python.

    ``tested``: the releases of tests/constraints.txt; else the newest that the requirements allow.
    """
    _uv("venv", "--python", str(python), str(folder))
    constraints = ["--constraint", str(CONSTRAINTS)] if tested else []
    _uv("pip", "install", "--python", str(folder / "bin" / "python"), *constraints, *requirements)
    return folder / "bin" / "python"


def installed(python: Path) -> set[str]:
    """The names of all distributions in that environment, in lower case with hyphens."""
    listed = _uv("pip", "freeze", "--python", str(python)).splitlines()
    names = (re.split(r"==| @ ", line)[0] for line in listed)
    return {name.strip().lower().replace("_", "-") for name in names}


def run(
    *command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, code: int = 0, patience: float = PATIENCE
) -> str:
    """Run a command outside the tests' environment, and return its standard output.

    ``env`` has more variables, and ``patience`` is in seconds. Raises AssertionError if the exit code isn't ``code``.
    """
    variables = strangers_environment(**(env or {}))
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=patience
    )
    assert done.returncode == code, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def strangers_environment(**more: str) -> dict[str, str]:
    """The variables of this process without those of its tests: no settings, no servers, no way to our sources."""
    tests = re.compile(r"DJANGO_SETTINGS_MODULE|PYTHONPATH|DATABASE_URL|REDIS_URL|FOLIO_.*|PYTEST_.*|COV_.*")
    return {**{name: text for name, text in os.environ.items() if not tests.fullmatch(name)}, **more}


def _find(version: str) -> Path | None:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_path = shutil.which(f"python{version}")
    kept = sorted(pyenv.glob(f"{version}.*/bin/python{version}"), key=_release, reverse=True)
    candidates = [*([Path(on_path)] if on_path else []), *kept]
    return next((python for python in candidates if _is_usable(python, version)), None)


def _release(python: Path) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", python.parents[1].name)))


def _is_usable(python: Path, version: str) -> bool:
    # The file on PATH may be a version manager's placeholder without a Python.
    asked = "import ensurepip, sys, venv; print(*sys.version_info[:2], sep='.')"
    try:
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def _uv(*arguments: str) -> str:
    # No configuration of the user's, and no Python that uv would download.
    command = [find_uv_bin(), "--quiet", "--no-config", "--no-python-downloads", *arguments]
    index = {"UV_DEFAULT_INDEX": os.environ["PIP_INDEX_URL"]} if os.environ.get("PIP_INDEX_URL") else {}
    done = subprocess.run(
        command, env={**index, **os.environ}, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stderr}"
    return done.stdout
