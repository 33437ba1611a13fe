"""Makes links of the errors that docstrings name in passing: "Raises UnknownNumber, …"."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

from ledger import errors

_NAMES = [
    name
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.LedgerError) and kind.__module__ == errors.__name__
]
_ERROR = re.compile(rf"(?<![\w.`:])(?:ledger\.errors\.)?({'|'.join(_NAMES)})(?![\w`])")


def _link(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    if what == "module":
        return  # the drawing of the tree
    lines[:] = [line if line.startswith("    ") else _ERROR.sub(r":exc:`~ledger.errors.\1`", line) for line in lines]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _link)
    return {"parallel_read_safe": True}
