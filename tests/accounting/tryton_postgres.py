"""Tryton's books on PostgreSQL: set up once, kept as a dump beside the installation, and restored from it."""

import fcntl
import subprocess
from pathlib import Path
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from tests.accounting.tryton_installation import Installation, configure, fill
from tests.provision import client_program


def copy_books(made: Installation, folder: Path, url: str) -> Path:
    """Put the books into the empty database at `url`; returns the file that says what is in them."""
    dump, facts = made.folder / "postgres.sql", made.folder / "postgres.json"
    dump_program, restore_program = client_program("pg_dump"), client_program("psql")
    with (made.folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (dump.exists() and restore_program):
            database = str(conninfo_to_dict(url)["dbname"])
            fill(made, configure(folder, tryton_uri(url), port=0), database, facts)
            if dump_program:
                unfinished = dump.with_suffix(".unfinished")
                command = [dump_program, "--no-owner", "--file", str(unfinished), url]
                # A program older than the server refuses; then each run sets the books up again.
                if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                    unfinished.rename(dump)
            return facts
    # What an older server doesn't know of a newer one's dump is settings of the session alone.
    subprocess.run([restore_program, "--quiet", "--file", str(dump), url], check=True, capture_output=True)
    return facts


def tryton_uri(url: str) -> str:
    """The server of a libpq connection string as Tryton wants it: a URI, to which it adds the database."""
    parts = conninfo_to_dict(url)
    user, password = str(parts.get("user", "")), str(parts.get("password", ""))
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    rest = {key: str(value) for key, value in parts.items() if key in {"host", "port"} and value}
    return f"postgresql://{login}@/?{urlencode(rest)}"
