"""Official formats in which issued, cancelled and missing numbers are declared to an authority.

To add one, add a file here with a ``FORMAT``: ``manage.py ledger_declare`` finds it, and shows its options.
"""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ledger.errors import DeclarationError
from ledger.gaps import GapRange


@dataclass(frozen=True, slots=True)
class Document:
    """One file for an authority: its name and bytes, the missing values that it declares, and a line for people.

    ``warnings`` say what to check before it is handed in.
    """

    name: str
    content: bytes
    gaps: tuple[GapRange, ...]
    told: str
    warnings: tuple[str, ...] = ()


class Format(ABC):
    """An official format. Its declarations are kept under the name ``authority``."""

    #: Its name for the command, such as gstr1.
    name: str
    #: One line for the command's help.
    title: str
    authority: str
    #: Whether there may be several documents, each handed in separately; else there is one.
    several: bool

    @abstractmethod
    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options that this format has beside those of the command."""

    @abstractmethod
    def documents(self, *, tenant: str, options: Mapping[str, Any], using: str) -> list[Document]:
        """Write the documents of a tenant; ``options`` are what ``add_options`` asked for. Raises DeclarationError."""

    def justification(self, options: Mapping[str, Any]) -> str:
        """The reason that the declaration gives, for GapDeclared."""
        return ""

    def check_handed_in(self, documents: Sequence[Document], options: Mapping[str, Any]) -> None:
        """Raise DeclarationError unless the documents can have been handed in under one receipt."""
        if len(documents) > 1:
            raise DeclarationError(
                f"{len(documents)} documents can't have been handed in under one receipt.",
                rule="Each document gets a receipt of its own.",
                remedy="Name the one that was handed in; --help says by which option.",
            )


@cache
def all_formats() -> dict[str, Format]:
    """Every format by its name: each module of this package that has one as ``FORMAT``."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {made.name: made for made in found}
