"""docs/dependencies.md names every dependency of pyproject.toml, each under its extra, and no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[tuple[str, str]]:
    """Extra and name of each dependency.

    psycopg's own extra is a distribution, psycopg-binary; that of Celery only names what Celery needs for Redis.
    """
    extras = {"base": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    found = set()
    for extra, lines in extras.items():
        for line in lines:
            match = re.match(r"([\w.-]+)(?:\[(\w+)\])?", line)
            assert match is not None
            name = normal(match[1])
            if name != "django-folio":
                found.add((extra, f"{name}-{match[2]}" if name == "psycopg" and match[2] else name))
    return found


def documented() -> set[tuple[str, str]]:
    """Extra and name of each line of the table; a line may name several that belong together, and several extras."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {
        (extra.strip("`"), normal(name))
        for row in rows[2:]
        for extra in row[1].split(", ")
        for name in row[0].split(", ")
    }


def test_each_has_its_line() -> None:
    assert documented() == declared()


def test_each_is_pinned_for_the_tests() -> None:
    pinned = {
        normal(line.partition("==")[0])
        for line in (ROOT / "tests" / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert {name for _, name in declared()} - pinned == set()
