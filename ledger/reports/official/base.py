"""The base class of official formats, and the check digits of the tax numbers that they need."""

import re
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import DeclarationError
from ledger.gaps import GapRange

_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def gstin_check(gstin: str) -> str:
    """The check character of a GSTIN, by its first 14: each counts once or twice in turn, modulo 36."""
    total = 0
    for place, character in enumerate(gstin[:14]):
        product = _BASE_36.index(character) * (place % 2 + 1)
        total += product // 36 + product % 36
    return _BASE_36[-total % 36]


def cnpj_check(cnpj: str) -> str:
    """The two check digits of a CNPJ, by its first 12 characters: weights 2 to 9 from the right, modulo 11.

    A letter counts as its place in ASCII less 48 (NT 2025.001), which leaves digits as they are.
    """
    found = cnpj[:12]
    for _ in range(2):
        total = sum((ord(character) - 48) * (2 + place % 8) for place, character in enumerate(reversed(found)))
        found += str(0 if total % 11 < 2 else 11 - total % 11)
    return found[12:]


def is_gstin(text: str) -> bool:
    """Whether a text has the shape of a GSTIN, and its check character."""
    return re.fullmatch(r"[0-9]{2}[0-9A-Z]{13}", text) is not None and gstin_check(text) == text[14]


def is_cnpj(text: str) -> bool:
    """Whether a text has the shape of a CNPJ without punctuation, and its check digits."""
    return re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", text) is not None and cnpj_check(text) == text[12:]


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
