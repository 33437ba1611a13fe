"""A mutant: one line of the product changed for the worse, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """``before`` stands exactly once in ``path`` and becomes ``after``; one of ``tests`` must fail then."""

    name: str
    path: str
    before: str
    after: str
    tests: tuple[str, ...]
