"""The order of the tests' files where two processes share them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.ordering import LONG_ONES, ROOT, long_ones_first


def test_each_long_file_is_there() -> None:
    assert [name for name in LONG_ONES if not (ROOT / name).is_file()] == [], "change tests/ordering.py too"


def test_the_long_ones_come_first_and_the_others_keep_their_order() -> None:
    names = ["tests/unit/b.py", LONG_ONES[1], "tests/unit/a.py", LONG_ONES[0], LONG_ONES[1]]
    items: list[Any] = [SimpleNamespace(path=Path(ROOT / name), at=at) for at, name in enumerate(names)]
    sorted_items: list[Any] = long_ones_first(items)
    assert [item.at for item in sorted_items] == [3, 1, 4, 0, 2]
