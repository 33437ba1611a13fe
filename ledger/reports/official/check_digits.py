"""The check digits of tax numbers that the official formats ask for. Pure arithmetic."""

import re

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
