"""Official formats in which issued, cancelled and missing numbers are declared to an authority.

To add one, add a file here with a ``FORMAT``: ``manage.py ledger_declare`` finds it, and shows its options.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ledger.reports.official.base import Document, Format

__all__ = ["Document", "Format", "all_formats"]


@cache
def all_formats() -> dict[str, Format]:
    """Every format by its name: each module of this package that has one as ``FORMAT``."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {made.name: made for made in found}
