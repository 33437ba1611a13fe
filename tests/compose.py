"""docker-compose.yml against the Compose specification: `python -m tests.compose`, without Docker.

The schema is the specification's own (Apache-2.0), as the package check-jsonschema ships it.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

SCHEMA = "builtin_schemas/vendor/compose-spec.json"
FILE = Path(__file__).resolve().parents[1] / "docker-compose.yml"


def load(path: Path = FILE) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def problems(document: dict[str, Any]) -> list[str]:
    """Return where the document departs from the specification, one line for each place."""
    schema = json.loads(files("check_jsonschema").joinpath(SCHEMA).read_text(encoding="utf-8"))
    # By the draft that the schema names: an older one ignores its newer keywords, and finds nothing wrong.
    errors = validator_for(schema)(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in errors]


if __name__ == "__main__":
    found = problems(load())
    print("\n".join(found) or f"{FILE.name}: follows the Compose specification")
    sys.exit(bool(found))
