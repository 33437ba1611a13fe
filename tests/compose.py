"""docker-compose.yml against the Compose specification: `python -m tests.compose`, without Docker.

The schema is the specification's own (Apache-2.0), as the package check-jsonschema ships it.
"""

import json
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

SCHEMA = "builtin_schemas/vendor/compose-spec.json"
FILE = Path(__file__).resolve().parents[1] / "docker-compose.yml"

VARIABLE = re.compile(r"(\$\$)|\$\{(\w+)(?:(:[?-])([^}]*))?\}")


def load(path: Path = FILE) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def problems(document: dict[str, Any]) -> list[str]:
    """The places where the document breaks the specification, one line for each."""
    schema = json.loads(files("check_jsonschema").joinpath(SCHEMA).read_text(encoding="utf-8"))
    # By the draft that the schema names: an older one ignores its newer keywords, and finds nothing wrong.
    errors = validator_for(schema)(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in errors]


def variables(part: object) -> set[str]:
    """The names of the variables that compose replaces in a part of the document."""
    return {name for _, name, _, _ in VARIABLE.findall(json.dumps(part)) if name}


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """``text`` as compose hands it on: ``${NAME:?why}``, ``${NAME:-default}``, and ``$$`` for a dollar."""

    def one(found: re.Match[str]) -> str:
        dollar, name, operator, operand = found.groups(default="")
        if dollar:
            return "$"
        if not values.get(name) and operator == ":?":
            raise LookupError(f"{name}: {operand}")
        return values.get(name) or operand

    return VARIABLE.sub(one, text)


def environment(document: dict[str, Any], service: str, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service's processes."""
    given = document["services"][service]["environment"]
    return {name: interpolated(str(value), values) for name, value in given.items()}


def passwords_command() -> str:
    """The command that makes the file .env, from the document's first lines."""
    [command] = re.findall(r"^# +(\(.*> \.env\))$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    return str(command)


if __name__ == "__main__":
    found = problems(load())
    print("\n".join(found) or f"{FILE.name}: follows the Compose specification")
    sys.exit(bool(found))
