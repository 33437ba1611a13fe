"""Words that people read have one meaning each: the glossary's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_OPEN = re.compile(r"\bopen\b", re.IGNORECASE)
#: Texts that say it of a period, or of a transaction, a checkout or an unpaid invoice of an accounting system.
_OF_A_PERIOD = re.compile(
    r"period|open it\b|has ended|days to come|open \| close|an open one|is open already|is open and "
    r"|is open, and begins|transaction|checkout|payment",
    re.IGNORECASE,
)


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the code but documentation and SQL, and every page, each with the name of its file."""
    for path in sorted([*_ROOT.glob("ledger/**/*.py"), *_ROOT.glob("workers/**/*.py")]):
        tree = ast.parse(path.read_text("utf-8"))
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield path.name, node.value
    for path in sorted(_ROOT.glob("ledger/**/*.html")):
        for text in re.split(r"<[^>]*>|\{%.*?%\}|\{\{.*?\}\}", path.read_text("utf-8")):
            yield path.name, text


def test_open_is_said_of_periods_alone() -> None:
    """Values are in progress, findings and alarms unresolved, holes left over."""
    found = [
        (name, text)
        for name, text in texts()
        if _OPEN.search(re.sub(r"%\(\w+\)s", "", text)) and " " in text.strip() and not _OF_A_PERIOD.search(text)
    ]
    assert not found


@pytest.mark.parametrize("name", ["summary", "in_progress"])
def test_no_part_or_column_of_the_report_is_called_open(name: str) -> None:
    from ledger.reports.formats.json_document import json_schema

    parts = json_schema()["properties"]["parts"]["properties"]
    assert name in parts
    assert "open" not in parts | parts[name]["items"]["properties"]
