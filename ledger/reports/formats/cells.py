"""Cells as texts, for the formats that have nothing better."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

#: What separates cells in a text file, in some country or program.
SEPARATORS = ",;\t|"

# What begins a formula, and what may stand before it; the wide signs are read as the others in some languages.
_FORMULA = r"[\s\"]*[=+\-@＝＋－＠]"


def neutralised(text: str, separator: str = ",") -> str:
    """The text so that no spreadsheet runs it: an apostrophe stands before each thing that could begin a formula.

    A spreadsheet may part cells by another sign than the ``separator`` of the file, and so begin one inside the text;
    it also may take a tab or a line break in front for the beginning of a formula, or strip it.
    """
    return _begins_formula(separator).sub(lambda found: f"{found[0]}'", text)


@lru_cache
def _begins_formula(separator: str) -> re.Pattern[str]:
    others = SEPARATORS.replace(separator, "")
    return re.compile(rf"\A(?={_FORMULA}|[\t\r\n])|[{others}\r\n](?={_FORMULA})")


_SUSPICIOUS = re.compile(r"[\s,;|\"'][=+\-@＝＋－＠]").search


def suspicious(cells: Iterable[str]) -> bool:
    """Whether cells may hold what ``neutralised`` would change: a quick look at all of them, which rather says yes."""
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
    """``+05:30``, as it stands behind a moment."""
    return datetime.min.replace(tzinfo=zone).isoformat()[19:]


def cell_text(cell: Any) -> str:
    """A cell as a text, without loss: dates and moments in ISO 8601, truths as yes and no, nothing as nothing."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, date):  # a datetime is one too
        return cell.isoformat()
    if isinstance(cell, Mapping):
        return evidence_text(cell)
    return str(cell)
