"""Makes docstrings read well on the site: the errors that they name ("Raises UnknownNumber, …") become links, models
list their fields, and a signature shows a default factory as `...`.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, TypeGuard

from django.db.models import Model
from sphinx.application import Sphinx

from ledger import errors

_NAMES = [
    name
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.LedgerError) and kind.__module__ == errors.__name__
]
_ERROR = re.compile(rf"(?<![\w.`:])(?:ledger\.errors\.)?({'|'.join(_NAMES)})(?![\w`])")


def _is_model(obj: object) -> TypeGuard[type[Model]]:
    return inspect.isclass(obj) and issubclass(obj, Model)


def _link(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    if what == "module":
        return  # the drawing of the tree
    lines[:] = [line if line.startswith("    ") else _ERROR.sub(r":exc:`~ledger.errors.\1`", line) for line in lines]
    if _is_model(obj) and not obj._meta.proxy:
        fields = ", ".join(f"``{field.name}``" for field in obj._meta.fields)
        lines += ["", f"Fields: {fields}.", ""]


def _without_factories(
    app: Sphinx, what: str, name: str, obj: object, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    if _is_model(obj):
        return "", None  # Django's `*args, **kwargs` say nothing
    # `<factory>`, which dataclasses show, isn't Python: Sphinx would cut the signature at its commas.
    return signature and signature.replace("<factory>", "..."), returns


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _link)
    app.connect("autodoc-process-signature", _without_factories)
    return {"parallel_read_safe": True}
