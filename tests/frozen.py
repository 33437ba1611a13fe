"""Which texts of functions and guards the migrations made: `python -m tests.frozen` notes their digests in frozen.json.

Until the first release the migration `0002_functions_and_guards` makes the living files of `ledger/sql`, and the
digests are noted again when they change. From then on a changed file comes with a migration that carries its own copy.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import ledger

_SQL = Path(ledger.__file__).parent / "sql"
_NOTED = Path(__file__).with_suffix(".json")


def living() -> dict[str, str]:
    """Each file, and the beginning of the SHA-256 of its text."""
    files = {path.stem: path.read_bytes() for path in [_SQL / "guards.sql", *(_SQL / "functions").glob("*.sql")]}
    return {name: hashlib.sha256(text).hexdigest()[:16] for name, text in sorted(files.items())}


def frozen() -> dict[str, str]:
    """The digests of what the migrations make."""
    noted: dict[str, str] = json.loads(_NOTED.read_text(encoding="utf-8"))
    return noted


def main() -> None:
    """Write the digests of the present files."""
    _NOTED.write_text(json.dumps(living(), indent=1) + "\n", encoding="utf-8")
    print(f"{_NOTED.name}: {len(living())} files")


if __name__ == "__main__":
    main()
