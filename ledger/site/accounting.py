"""The accounting systems of the stand-alone site, from a file without secrets.

    # accounting.toml; JSON of the same shape works too
    [SYSTEMS.books]
    adapter = "xero"
    organisation = "5a37…"
    credentials = {ENV = "XERO_"}        # XERO_CLIENT_ID, XERO_CLIENT_SECRET, … of the workers' environment

Files are copied, mounted and checked in, so credentials in a file are refused: they come from the environment alone.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def accounting_settings(path: Path) -> dict[str, Any]:
    """The value of ``LEDGER_ACCOUNTING`` in the file; an empty file has no systems.

    Raises ImproperlyConfigured, which never quotes the file: somebody may have written a secret there.
    """
    given = _read(path)
    if unknown := sorted(set(given) - {"SYSTEMS"}):
        raise _wrong(
            path,
            f"has {', '.join(unknown)} at its top",
            "It has SYSTEMS alone; the keys that seal tokens are in LEDGER_TOKEN_KEYS.",
        )
    systems = given.get("SYSTEMS", {})
    if not isinstance(systems, dict) or not all(isinstance(system, dict) for system in systems.values()):
        raise _wrong(path, "has something other than tables under SYSTEMS", "Write [SYSTEMS.books], and its keys.")
    for name, system in systems.items():
        credentials = system.get("credentials", {})
        only_by_name = isinstance(credentials, dict) and set(credentials) <= {"ENV"}
        if not only_by_name or not all(isinstance(prefix, str) for prefix in credentials.values()):
            raise _wrong(
                path,
                f"has credentials of {name} in it",
                'Write credentials = {ENV = "PREFIX_"}, and put them into environment variables of that prefix.',
            )
    return given


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't UTF-8"
        raise _wrong(path, f"can't be read ({reason})", "Name a file that is there, or unset it.") from None
    is_json = path.suffix.lower() == ".json"
    if not text.strip():
        return {}
    given: Any = None
    place = ""
    try:
        given = json.loads(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        place = f" (line {error.lineno}, column {error.colno})"
    except tomllib.TOMLDecodeError as error:
        # Only the place: the rest of the error may quote the file.
        found = re.search(r"at line \d+, column \d+", str(error))
        place = f" ({found[0]})" if found else ""
    if not isinstance(given, dict):
        kind = "JSON object" if is_json else "TOML"
        raise _wrong(path, f"is no {kind}{place}", "See ledger/site/accounting.py for an example.")
    return given


def _wrong(path: Path, problem: str, remedy: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"LEDGER_ACCOUNTING_FILE: {path} {problem}. {remedy}")
