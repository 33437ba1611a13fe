"""What every official format offers."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import DeclarationError
from ledger.gaps import GapRange


@dataclass(frozen=True, slots=True)
class Document:
    """One file for an authority: its name and bytes, the missing values that it declares, and a line for people.

    ``warnings`` say what whoever hands it in should look at first.
    """

    name: str
    content: bytes
    gaps: tuple[GapRange, ...]
    told: str
    warnings: tuple[str, ...] = ()


class Format(ABC):
    """An official format. ``authority`` is what its declarations are kept under."""

    #: How the command calls it, such as gstr1.
    name: str
    #: One line for the command's help.
    title: str
    authority: str
    #: Whether there may be several documents, each handed in on its own; else there is one.
    several: bool

    @abstractmethod
    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options that this format has beside those of the command."""

    @abstractmethod
    def documents(self, *, tenant: str, options: Mapping[str, Any], using: str) -> list[Document]:
        """Write the documents of a tenant; ``options`` are what ``add_options`` asked for. Raises DeclarationError."""

    def justification(self, options: Mapping[str, Any]) -> str:
        """What the declaration says of why, for GapDeclared."""
        return ""

    def check_handed_in(self, documents: Sequence[Document], options: Mapping[str, Any]) -> None:
        """Raise DeclarationError unless the documents can have been handed in under one receipt."""
        if len(documents) > 1:
            raise DeclarationError(
                f"{len(documents)} documents can't have been handed in under one receipt.",
                rule="Each document gets a receipt of its own.",
                remedy="Name the one that was handed in; --help says by which option.",
            )
