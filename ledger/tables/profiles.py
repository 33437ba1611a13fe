"""The layouts of programs' exports: small data files, those that Folio brings and those of a project.

A profile is a JSON file with a ``title``, a ``source`` (from where its columns are known), and the ``layout`` by the
names of ``Layout``.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from ledger.errors import InvalidArgument
from ledger.tables.layout import Layout

_FOLDER = Path(__file__).parent / "exports"


def profile_names() -> list[str]:
    """The profiles that Folio brings."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def profile(name: str, **changes: Any) -> Layout:
    """The layout of a profile, by name or by the path of a file, with ``changes``; raises InvalidArgument."""
    path = _FOLDER / f"{name}.json" if name in profile_names() else Path(name)
    known = {field.name: field for field in fields(Layout)}
    try:
        given = json.loads(path.read_text("utf-8"))["layout"]
        made = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        if unknown := sorted(set(made) - set(known)):
            raise ValueError(f"a layout has no {', '.join(unknown)}")
        return Layout(**(made | changes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"The profile {name!r} can't be read: {error}.",
            rule="A profile is one that Folio brings, or a JSON file with a layout.",
            remedy=f"Pass one of {', '.join(profile_names())}, or the path of a file like them.",
        ) from error
