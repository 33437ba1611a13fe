"""Chile: the CAF file, in which the SII grants a range of folios for one type of document.

The file also holds a private key, with which the host stamps its documents. Folio neither keeps nor shows it. A hook
checks the SII's signature of the range (``FRMA``): it gets the file as bytes, and raises ValueError with its reason.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.errors import RangeRefused

AUTHORITY = "CL SII"

#: Types whose folios expire six months after they were granted (SII, Resolution 58/2017).
_EXPIRING = frozenset({"33", "43", "46", "56", "61"})
_MONTHS = 6

#: The longest file, in bytes; a real one has some 3,000.
_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Caf:
    """What a CAF file grants: the folios from ``first`` to ``last``, both inclusive, to the holder of ``tax_id``."""

    tax_id: str
    document_type: str
    first: int
    last: int
    granted_on: date

    @property
    def valid_to(self) -> date | None:
        """The last day of its folios, or None for a type whose folios don't expire."""
        if self.document_type not in _EXPIRING:
            return None
        months = self.granted_on.month - 1 + _MONTHS
        year, month = self.granted_on.year + months // 12, months % 12 + 1
        return date(year, month, min(self.granted_on.day, monthrange(year, month)[1]))

    def as_range(self) -> dict[str, Any]:
        """The arguments of ``ledger.authorise``."""
        return {
            "first": self.first,
            "last": self.last,
            "valid_from": self.granted_on,
            "valid_to": self.valid_to,
            "authority": AUTHORITY,
            "reference": f"CAF {self.document_type} {self.granted_on}",
            "document_type": self.document_type,
        }


def read_caf(content: bytes, *, verify: Callable[[bytes], object] | None = None) -> Caf:
    """What a CAF file grants. ``verify`` is the hook for the signature of the SII.

    Raises RangeRefused for a file that is no CAF, or that the hook refuses (it raises ValueError, or returns False);
    and without the extra ``ranges``, whose XML library expands no entities and reads no document type.
    """
    try:
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ModuleNotFoundError as error:
        raise RangeRefused(
            "The package defusedxml is not installed.",
            rule="A file from elsewhere is read by an XML library that refuses harmful content.",
            remedy="pip install 'django-folio[ranges]'",
        ) from error
    if len(content) > _LONGEST:
        raise _no_caf(f"has {len(content):,} bytes")
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _no_caf(f"can't be read: {error}") from error

    def text(path: str, pattern: str) -> str:
        found = (root.findtext(f"./CAF/DA/{path}") or "").strip()
        if root.tag != "AUTORIZACION" or re.fullmatch(pattern, found) is None:
            raise _no_caf(f"has a {path} that no CAF has: {found[:60]!r}")
        return found

    try:
        caf = Caf(
            tax_id=text("RE", "[0-9]{1,8}-[0-9K]"),
            document_type=text("TD", "[0-9]{1,3}"),
            first=int(text("RNG/D", "[1-9][0-9]{0,9}")),
            last=int(text("RNG/H", "[1-9][0-9]{0,9}")),
            granted_on=date.fromisoformat(text("FA", "[0-9]{4}-[0-9]{2}-[0-9]{2}")),
        )
    except ValueError as error:
        raise _no_caf(f"has an invalid date: {error}") from error
    try:
        refused = verify is not None and verify(content) is False
    except ValueError as error:
        raise _no_caf(f"was refused by the hook that checks its signature: {error}") from error
    if refused:
        raise _no_caf("was refused by the hook that checks its signature")
    return caf


def _no_caf(why: str) -> RangeRefused:
    return RangeRefused(
        f"The file {why}.",
        rule="A CAF file is the XML that the SII gives: AUTORIZACION with CAF, DA, RE, TD, RNG (D to H) and FA.",
        remedy="Download it again from the SII, and pass it unchanged.",
    )
