"""Part of the conformance tests, for a variant of an adapter that differs only in that part."""

from collections.abc import Callable
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)


def only(*words: str) -> Callable[[Kind], Kind]:
    """Keep, of the inherited tests, those with one of ``words`` in their names; the class's own tests stay."""

    def choose(kind: Kind) -> Kind:
        inherited = {name for name in dir(kind) if name.startswith("test_")} - set(vars(kind))
        for name in inherited:
            if not any(word in name for word in words):
                setattr(kind, name, None)
        return kind

    return choose
