"""The recipes of docs/guides/recipes.md, for tests that try them unchanged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parents[1] / "docs" / "guides" / "recipes.md"


def recipe(words: str, **names: Any) -> dict[str, Any]:
    """The definitions of the block with these words, where ``names`` are known."""
    blocks = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(next(block for block in blocks if words in block), names)  # noqa: S102  (our own page)
    return names
