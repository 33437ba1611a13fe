"""Which texts of functions and guards the migrations made: `python -m tests.frozen` writes them down, as digests.

Until the first release the migration `0002_functions_and_guards` makes the living files of `ledger/sql`, and is written
again when they change. From then on a changed file comes with a migration that carries its own copy.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import ledger

SQL = Path(ledger.__file__).parent / "sql"
MIGRATION = SQL.parent / "migrations" / "0002_functions_and_guards.py"
_LIST = re.compile(r"InstallFunctionsAndGuards\(\n            \{\n(?P<lines>.*?)            \}\n", re.DOTALL)


def living() -> dict[str, str]:
    """Each file, and the beginning of the SHA-256 of its text."""
    files = {path.stem: path.read_bytes() for path in [SQL / "guards.sql", *(SQL / "functions").glob("*.sql")]}
    return {name: hashlib.sha256(text).hexdigest()[:16] for name, text in sorted(files.items())}


def frozen() -> dict[str, str]:
    """What the migration says that it makes."""
    found = _LIST.search(MIGRATION.read_text(encoding="utf-8"))
    assert found is not None, f"{MIGRATION.name} has no list of digests"
    return dict(re.findall(r'"(\w+)": "([0-9a-f]{16})"', found["lines"]))


def main() -> None:
    """Write the digests into the migration."""
    lines = "".join(f'                "{name}": "{digest}",\n' for name, digest in living().items())
    text = MIGRATION.read_text(encoding="utf-8")
    whole = f"InstallFunctionsAndGuards(\n            {{\n{lines}            }}\n"
    MIGRATION.write_text(_LIST.sub(lambda _: whole, text), encoding="utf-8")
    print(f"{MIGRATION.name}: {len(living())} files")


if __name__ == "__main__":
    main()
