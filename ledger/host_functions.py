"""Functions of the host that an option names."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ledger.errors import LedgerError


def find_hook(path: str, option: str, error: type[LedgerError]) -> Callable[[bytes], Any]:
    """The function that ``option`` names as ``package.module:function``; raises ``error`` if it doesn't exist."""
    module, _, name = path.partition(":")
    try:
        hook: Callable[[bytes], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as refused:
        raise error(
            f"The hook {path!r} can't be imported: {refused}.",
            rule="A hook is written package.module:function.",
            remedy=f"Correct {option}, and see that the module can be imported where manage.py runs.",
        ) from refused
    return hook
