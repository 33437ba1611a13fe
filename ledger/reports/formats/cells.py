"""Cells as texts, for formats without dates and numbers."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

#: What separates cells in a text file, in some country or program.
SEPARATORS = ",;\t|"

# The beginning of a formula, and what may precede it. In some languages the wide signs are the same as the others.
_FORMULA = r"[\s\"]*[=+\-@＝＋－＠]"


def neutralised(text: str, separator: str = ",") -> str:
    """The text with an apostrophe before everything that could begin a formula, so that no spreadsheet runs it.

    A spreadsheet may split cells at another character than the file's ``separator``, so a cell may begin inside the
    text. It may also strip a tab or a line break in front, or take it for the beginning of a formula.
    """
    return _begins_formula(separator).sub(lambda found: f"{found[0]}'", text)


@lru_cache
def _begins_formula(separator: str) -> re.Pattern[str]:
    others = SEPARATORS.replace(separator, "")
    return re.compile(rf"\A(?={_FORMULA}|[\t\r\n])|[{others}\r\n](?={_FORMULA})")


_SUSPICIOUS = re.compile(r"[\s,;|\"'][=+\-@＝＋－＠]").search


def suspicious(cells: Iterable[str]) -> bool:
    """Whether ``neutralised`` may change any of the cells: a fast check, which says yes if in doubt."""
    text = "\n" + "\n".join(filter(None, cells))
    return "\t" in text or "\r" in text or "\n\n" in text or _SUSPICIOUS(text) is not None


def needs_quotes(cells: Iterable[str], separator: str) -> bool:
    """Whether RFC 4180 wants quotes around any of them."""
    text = "".join(cells)
    return any(sign in text for sign in (separator, '"', "\n", "\r"))


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """Evidence as JSON on one line, its keys in order."""
    return json.dumps(evidence, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True) if evidence else ""


def offset_text(zone: timezone) -> str:
    """The UTC offset of a moment, such as ``+05:30``."""
    return datetime.min.replace(tzinfo=zone).isoformat()[19:]


def cell_text(cell: Any) -> str:
    """A cell as a text, without loss: dates and moments in ISO 8601, booleans as yes and no, None as empty."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, date):  # a datetime is one too
        return cell.isoformat()
    if isinstance(cell, Mapping):
        return evidence_text(cell)
    return str(cell)
