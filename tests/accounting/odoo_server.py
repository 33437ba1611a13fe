"""An Odoo 19 that runs: Debian's package, unpacked only for accounting, with its Python packages from the index.

The package is of the suite sid, on the mirror that this machine's own sources name. apt gets a root of its own for it,
so nothing of the machine changes. The first run takes about two minutes; later ones copy a PostgreSQL that is filled.
What is cached lies in the user's cache folder, under a key of everything that went into it.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from ledger.site import embedded
from tests import environments, provision
from tests.accounting.foreign_server import serving

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "odoo-requirements.txt"
BOOKS = HERE / "odoo_books.py"
PACKAGE = "odoo-19"
SUITE = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} sid main\n"
#: The module `account`, what it depends on, the two ways in, and what these import without being installed.
MODULES = (
    *("account", "analytic", "auth_signup", "base", "base_setup", "base_vat", "bus", "digest", "html_editor"),
    *("http_routing", "iap", "mail", "onboarding", "portal", "product", "resource", "rpc", "uom", "web", "web_tour"),
)
#: Many times what each step takes.
STEP_SECONDS = 500.0


class Unavailable(Exception):
    """Odoo can't run here; the text says why."""


@dataclass(frozen=True)
class Server:
    """The address of a running Odoo, the facts of its books, and the URL of its database."""

    url: str
    facts: Mapping[str, Any]
    database: str


@contextmanager
def running() -> Iterator[Server]:
    """An Odoo on a fresh copy of the books; raises Unavailable."""
    made = _installation()
    # A short path: the sockets lie in it.
    folder = Path(tempfile.mkdtemp(prefix="odoo-", dir=provision.folder()))
    # With its owner: PostgreSQL doesn't run as root.
    _run("cp", "-a", made / "postgres", folder / "postgres")
    port = provision.free_port()
    database = embedded.start_postgres(folder / "postgres")
    command = _odoo(made, folder, database, "--http-port", str(port))
    url = f"http://127.0.0.1:{port}"
    try:
        with serving(command, folder / "log", f"{url}/web/health", status=200, environment=_environment(made)):
            yield Server(url, json.loads((made / "facts.json").read_text()), database)
    finally:
        embedded.stop_postgres(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def _installation() -> Path:
    """The cached folder, made now if it doesn't exist; if two runs start at once, one makes it."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version}".encode())
    for file in (REQUIREMENTS, BOOKS, Path(__file__)):
        digest.update(file.read_bytes())
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-folio" / "odoo"
    root.mkdir(parents=True, exist_ok=True)
    folder = root / digest.hexdigest()[:16]
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            # Of a run that was killed half-way.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o755)
            _fetch(folder)
            environments.make(folder / "venv", Path(sys.executable), "-r", str(REQUIREMENTS), tested=False)
            _fill(folder)
            (folder / "ready").touch()
    return folder


def _fetch(folder: Path) -> None:
    """Download the package by an apt root of its own, and unpack what accounting needs."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(f"Odoo is Debian's package {PACKAGE}, and this machine has no apt-get.")
    with tempfile.TemporaryDirectory() as name:
        apt = Path(name)
        for each in ("lists/partial", "cache/archives/partial", "parts"):
            (apt / each).mkdir(parents=True)
        (apt / "sources.list").write_text(SUITE.format(mirror=_mirror()))
        places = {
            "State::lists": apt / "lists",
            "State::status": apt / "status",
            "Cache": apt / "cache",
            "Etc::sourcelist": apt / "sources.list",
            "Etc::sourceparts": apt / "parts",
        }
        (apt / "status").touch()
        own = [option for key, path in places.items() for option in ("-o", f"Dir::{key}={path}")]
        own += ["-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root", "-qq"]
        for step in (["update"], ["download", PACKAGE]):
            done = subprocess.run(
                ["apt-get", *own, *step], cwd=apt, capture_output=True, text=True, check=False, timeout=STEP_SECONDS
            )
            if done.returncode:
                raise Unavailable(f"apt-get {step[0]} can't bring {PACKAGE} from Debian's sid: {done.stderr.strip()}")
        [package] = apt.glob("*.deb")
        (folder / "version").write_text(package.name.split("_")[1])
        _unpack(package, folder)


def _mirror() -> str:
    """The Debian mirror in this machine's own sources."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    found = [each for each in listed if each.rstrip("/").endswith("/debian")]
    if not found:
        raise Unavailable(f"None of this machine's package sources is Debian itself, which has {PACKAGE}: {listed}.")
    return found[0]


def _unpack(package: Path, folder: Path) -> None:
    packages = "./usr/lib/python3/dist-packages/odoo"
    # Odoo reads the manifests of all modules to make their categories.
    wanted = [f"{packages}/[!a]*", f"{packages}/a[!d]*", f"{packages}/addons/*/__manifest__.py"]
    wanted += [f"{packages}/addons/{module}/*" for module in MODULES]
    unpack = ["tar", "-x", "-C", str(folder), "--strip-components=5", "--wildcards", "--exclude=*/i18n/*", *wanted]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as archive:
        subprocess.run(unpack, stdin=archive.stdout, check=True, timeout=STEP_SECONDS)


def _fill(folder: Path) -> None:
    """Make Odoo's accounting tables in a new PostgreSQL, then a company with its books, and keep both."""
    with tempfile.TemporaryDirectory(prefix="odoo-", dir=provision.folder(), ignore_cleanup_errors=True) as name:
        place = Path(name)
        database = embedded.start_postgres(
            place / "postgres", configuration={"fsync": "off", "full_page_writes": "off"}, owner="odoo"
        )
        first = ("-i", "account,rpc", "--skip-auto-install", "--stop-after-init", "--no-http")
        _run(*_odoo(folder, place, database, *first), env=_environment(folder))
        with BOOKS.open() as books:
            shell = [*_odoo(folder, place, database, "--no-http", command="shell")]
            _run(*shell, env={**_environment(folder), "FACTS": str(folder / "facts.json")}, stdin=books)
        assert (folder / "facts.json").exists(), "the books could not be made"
        embedded.stop_postgres(place / "postgres")
        _run("cp", "-a", place / "postgres", folder / "postgres")


def _odoo(made: Path, folder: Path, database: str, *options: str, command: str = "server") -> list[str]:
    server = conninfo_to_dict(database)
    places = {
        "--db_host": server["host"],
        "--db_user": server["user"],
        "--database": server["dbname"],
        "--data-dir": folder / "data",
        "--addons-path": made / "odoo" / "addons",
        "--http-interface": "127.0.0.1",
    }
    given = [f"{name}={value}" for name, value in places.items()]
    # Without a file of its own it would read, and write, one in the user's home.
    config = ["--config", os.devnull]
    fixed = ["--without-demo=all", "--max-cron-threads=0", "--workers=0", "--no-database-list"]
    return [str(made / "venv" / "bin" / "python"), "-m", "odoo", command, *config, *given, *fixed, *options]


def _environment(made: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(made), "TZ": "UTC"}


def _run(*command: str | Path, **options: Any) -> None:
    """Run one program to its end; its output is in the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STEP_SECONDS, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
