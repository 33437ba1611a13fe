"""Every mutant still has a line to change and tests to run. Otherwise it would test nothing, and nobody would know."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

from tests.mutants.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_each_changes_one_line_that_is_there() -> None:
    unfit = [
        mutant.name
        for mutant in CATALOGUE
        if source(mutant.path).count(mutant.before) != 1 or mutant.after == mutant.before
    ]
    assert unfit == []


def test_each_names_tests_that_are_there() -> None:
    missing = [
        f"{mutant.name}: {test}"
        for mutant in CATALOGUE
        for test in mutant.tests
        for path, _, names in [test.partition("::")]
        for name in filter(None, names.partition("[")[0].split("::"))
        if not re.search(rf"\b(def {name}\(|class {name}\b)", source(path))
    ]
    assert missing == []


def test_each_has_a_name_of_its_own() -> None:
    names = Counter(mutant.name for mutant in CATALOGUE)
    assert [name for name, count in names.items() if count > 1] == []
