"""Every mutant still has a line to change and tests to run; else it would go blind, and nobody would notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.catalogue import CATALOGUE
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    assert (ROOT / mutant.path).read_text(encoding="utf-8").count(mutant.before) == 1
    assert mutant.after != mutant.before
    for test in mutant.tests:
        path, _, names = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        for name in filter(None, names.partition("[")[0].split("::")):
            assert f"def {name}(" in text or f"class {name}" in text, f"{path} has no {name}"


def test_each_has_a_name_of_its_own() -> None:
    names = Counter(mutant.name for mutant in CATALOGUE)
    assert [name for name, count in names.items() if count > 1] == []
