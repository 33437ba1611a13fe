"""The error tree: documented, complete, and each error names value, rule and way out."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest
from django.db import OperationalError

from ledger import errors


def classes() -> list[type[errors.LedgerError]]:
    found = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    return [value for value in found if issubclass(value, errors.LedgerError)]


def drawn_tree() -> dict[str, str]:
    """Each class that the module's docstring draws, with the one it hangs from."""
    parents: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]
        match = re.match(r"^([ │├└─]*)([A-Z]\w+)(?:\s{2,}.*|)$", line)
        if match is None or not hasattr(errors, match[2]):
            continue
        depth = len(match[1])
        path = [(level, name) for level, name in path if level < depth]
        if path:
            parents[match[2]] = path[-1][1]
        path.append((depth, match[2]))
    return parents


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = drawn_tree()
    actual = {kind.__name__: kind.__bases__[0].__name__ for kind in classes() if kind is not errors.LedgerError}
    assert drawn == actual
    assert len(drawn) > 20


@pytest.mark.parametrize("kind", classes())
def test_each_has_its_three_parts_and_survives_a_process_boundary(kind: type[errors.LedgerError]) -> None:
    error = kind("The value 7 is odd.", rule="Values are even.", remedy="Pass 8.")
    assert str(error) == "The value 7 is odd. Values are even. Pass 8."
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert type(again) is kind
    assert (again.problem, again.rule, again.remedy) == (error.problem, error.rule, error.remedy)
    with pytest.raises(TypeError):
        kind("only a problem")
    assert inspect.getdoc(kind)


def test_a_bad_argument_is_a_value_error_and_a_retry_an_operational_error() -> None:
    assert issubclass(errors.InvalidTemplate, ValueError)
    assert issubclass(errors.DeadlockDetected, OperationalError)
