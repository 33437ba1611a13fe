"""Cells as texts, for the formats that have nothing better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

# What a spreadsheet takes for the beginning of a formula; the wide ones are read as the others in some languages.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


#: Whether a text that begins with this letter, or with none, can't be a formula.
harmless = frozenset(["", *map(chr, range(ord("0"), ord("z") + 1))]).difference(_DANGEROUS).__contains__


def neutralised(text: str) -> str:
    """The text so that no spreadsheet runs it: an apostrophe stands before what could begin a formula.

    So does it where white space comes first, which some programs strip.
    """
    if text.startswith(_DANGEROUS) or (text[:1].isspace() and text.lstrip().startswith(_DANGEROUS)):
        return f"'{text}"
    return text


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """Evidence as JSON on one line, its keys in order."""
    return json.dumps(evidence, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True) if evidence else ""


def moment_text(moment: datetime) -> str:
    """A moment as people read it, to the second, in its own time zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


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
