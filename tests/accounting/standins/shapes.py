"""The published forms of vendors' requests and answers, as JSON Schema in ``tests/accounting/shapes``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[1] / "shapes"


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def misfits(name: str, value: Any) -> list[str]:
    """The parts of ``value`` that don't fit the shape ``name``, as lines of text."""
    return [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(value)]
