"""A part of the conformance tests, for a variant of an adapter that differs in that part alone."""

from collections.abc import Callable
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)


def only(*words: str) -> Callable[[Kind], Kind]:
    """Of the tests that a class inherits, those with one of ``words`` in their names; its own ones stay."""

    def choose(kind: Kind) -> Kind:
        inherited = {name for name in dir(kind) if name.startswith("test_")} - set(vars(kind))
        for name in inherited:
            if not any(word in name for word in words):
                setattr(kind, name, None)
        return kind

    return choose
