"""Tryton for the tests: installed once from the package index, in an environment of its own, and cached.

The first run takes about half a minute; later ones copy a database of four megabytes. What is cached lies in the
user's cache folder, under a key of everything that went into it, so a changed pin makes a new one. Where there is no
package index, `Unavailable` says so, and the tests that need a Tryton are skipped.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONSTRAINTS = HERE / "tryton-constraints.txt"
BOOKS = HERE / "tryton_books.py"
PACKAGES = ("trytond[postgresql]", "trytond_account_invoice", "proteus")
DATABASE = "books"
#: Many times what it takes, for a slow line.
INSTALL_SECONDS = 600.0


class Unavailable(Exception):
    """Tryton can't run here; the text says why."""


@dataclass(frozen=True)
class Installation:
    """A folder with Tryton's environment, and books that are filled and ready to be copied."""

    folder: Path

    @property
    def sqlite(self) -> Path:
        return self.folder / f"{DATABASE}.sqlite"

    @property
    def sqlite_facts(self) -> Path:
        return self.folder / "sqlite.json"

    def program(self, name: str) -> str:
        return str(self.folder / "venv" / "bin" / name)


def installation() -> Installation:
    """The cached installation, made now if it doesn't exist; if two runs start at once, one makes it."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-folio" / "tryton"
    made = Installation(root / _key())
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{made.folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made.folder / "ready").exists():
            # Of a run that was killed half-way.
            shutil.rmtree(made.folder, ignore_errors=True)
            made.folder.mkdir(mode=0o700)
            _install(made)
            made.sqlite.touch()
            fill(made, configure(made.folder, "sqlite://", port=0), DATABASE, made.sqlite_facts)
            (made.folder / "ready").touch()
    return made


def _key() -> str:
    """The hash of the pins, the books, the code that sets both up, and the Python version."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version}".encode())
    for file in (CONSTRAINTS, BOOKS, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _install(made: Installation) -> None:
    run([sys.executable, "-m", "venv", str(made.folder / "venv")])
    command = [made.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "1", "--timeout", "15", "--constraint", str(CONSTRAINTS), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    if done.returncode:
        shutil.rmtree(made.folder, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise Unavailable(f"Tryton can't be installed from a package index here. {said[-1]}")


def fill(made: Installation, configuration: Path, database: str, facts: Path) -> None:
    """Make Tryton's tables in an empty database, then a company with its books; `facts` gets what is in them."""
    password = configuration.with_name("password")
    # Of `admin`, as whom nobody logs in: everything goes by keys.
    password.write_text(os.urandom(12).hex(), encoding="ascii")
    environment = {"TRYTOND_CONFIG": str(configuration), "TRYTONPASSFILE": str(password)}
    admin = [made.program("trytond-admin"), "-d", database]
    run([*admin, "--email", "books@example.com", "--all"], environment)
    run([*admin, "-u", "account_invoice", "--activate-dependencies"], environment)
    run([made.program("python"), str(BOOKS), database, str(facts)], environment)


def configure(folder: Path, uri: str, *, port: int) -> Path:
    """Write Tryton's configuration into `folder`, where the SQLite databases of `uri` lie too."""
    lines = ["[database]", f"uri = {uri}", f"path = {folder}", "[web]", f"listen = 127.0.0.1:{port}"]
    file = folder / "trytond.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run one program to its end; its output is in the error."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_SECONDS,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
