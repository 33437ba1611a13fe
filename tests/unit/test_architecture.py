"""The imports point one way, and importing `ledger` costs a host project little."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the bottom up; a module may import from its own layer and from those below.
LAYERS = [
    {"errors", "conf", "intervals", "misspelt", "timestamps", "unreadable", "signals"},
    {
        *("calendars", "formats", "texts", "instances", "keys", "kinds", "rules", "spreadsheets"),
        *("localization", "number_templates", "tenants"),
    },
    {"models", "homes", "sql", "migrations", "cursors"},
    {
        *("allocation", "refusals", "database_errors", "databases", "durability", "grants", "prepared"),
        *("arguments", "failures", "host_functions", "replacing", "zones"),
    },
    {"form_changes", "series", "periods", "exhaustion", "ranges", "testing", "queues", "searching"},
    {
        *("issuing", "gaps", "verification", "judging", "adoption", "reports", "reconciliation"),
        *("remote", "missing_documents", "references", "seals", "caf"),
    },
    {"sweeps", "moving"},
    {"actions"},
    {"checks", "admin", "web", "urls", "compat", "management", "after_migrate", "apps", "templatetags"},
    {"site"},
]


def layer(module: str) -> int | None:
    parts = module.split(".")
    if parts[0] != "ledger" or len(parts) == 1:
        return None
    name = parts[1]
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    raise AssertionError(f"{module} has no layer: add it to LAYERS where it belongs")


def sources(package: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def nodes(path: Path) -> list[ast.AST]:
    """All of the file's syntax tree."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "ledger":
                names = [alias.name for alias in node.names]
                yield from (f"ledger.{name}" for name in names if (ROOT / f"ledger/{name}.py").exists())


def test_imports_point_one_way() -> None:
    upwards = [
        f"{module} imports {name}, which lies above it"
        for module, path in sources("ledger")
        if (own := layer(module)) is not None
        for name in imports(path)
        if (theirs := layer(name)) is not None and theirs > own
    ]
    assert upwards == []


def test_nothing_under_ledger_knows_celery_or_workers() -> None:
    knowing = [
        f"{module} imports {name}"
        for module, path in sources("ledger")
        for name in imports(path)
        if name.split(".")[0] in {"celery", "workers", "tests"}
    ]
    assert knowing == []


DOORS = ("ledger.admin", "ledger.web", "ledger.management", "workers.management", "workers.admin")


def test_interfaces_act_only_through_actions() -> None:
    """So an act is the same everywhere: all or nothing, once, and with a name."""
    exported = (ROOT / "ledger/actions/__init__.py").read_text().partition("__all__")[2]
    acts = set(re.findall(r'"(\w+)"', exported))
    elsewhere = []
    for package in ("ledger", "workers"):
        for module, path in sources(package):
            if not module.startswith(DOORS):
                continue
            for node in nodes(path):
                if isinstance(node, ast.ImportFrom) and node.module != "ledger.actions":
                    elsewhere += [(module, alias.name) for alias in node.names if alias.name in acts]
    assert elsewhere == []


def test_only_three_modules_import_compat() -> None:
    """The command that moves over from other systems, the check of their settings, and what runs after migrations."""
    knowing = {
        module
        for package in ("ledger", "workers")
        for module, path in sources(package)
        if not module.startswith("ledger.compat") and any(name.startswith("ledger.compat") for name in imports(path))
    }
    assert knowing == {"ledger.checks", "ledger.management.commands.ledger_migrate_from", "ledger.after_migrate"}


def test_the_pure_modules_import_neither_django_nor_models() -> None:
    pure = [ROOT / f"ledger/{name}.py" for name in ("calendars", "formats", "kinds", "texts")]
    pure += (ROOT / "ledger/rules").rglob("*.py")
    for path in pure:
        found = list(imports(path))
        assert not [module for module in found if module.startswith(("django", "ledger.models", "time"))]


@pytest.mark.parametrize("package", ["ledger", "workers"])
def test_rows_are_read_by_name(package: str) -> None:
    """A column that is added in the middle of a statement must not shift what is read after it."""
    by_place = [
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for _, path in sources(package)
        for node in nodes(path)
        if (isinstance(node, ast.Subscript) and _is_a_place(node)) or (isinstance(node, ast.Assign) and _skips(node))
    ]
    assert by_place == []


def _is_a_place(node: ast.Subscript) -> bool:
    """``row[3]``, ``answer[1:4]``, or ``rows[0][1]``; the first one alone is an outcome."""
    place = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(node.value, ast.Subscript) and isinstance(node.value.value, ast.Name):
        return "row" in node.value.value.id and isinstance(place, int)
    if not isinstance(node.value, ast.Name) or node.value.id not in {"row", "answer", "look", "record", "draft"}:
        return False
    return isinstance(node.slice, ast.Slice) or (isinstance(place, int) and place > 0)


def _skips(node: ast.Assign) -> bool:
    """``a, _, b, *_ = …``: some columns of a row by their places."""
    parts = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else []
    return len(parts) > 3 and len([part for part in parts if ast.unparse(part) in {"_", "*_"}]) > 1


#: Turns of phrase that a reader with school English reads twice.
MANNERED = re.compile(
    r"\b(is|are) none\b|\b[Ii]n (our|its|their) words|how-manieth|\bneeds not\b|\bhas not (what|the)\b|"
    r"\b[Aa] sort of \w+s\b|\bwhence\b|\bthereof\b|\btells of\b|\bknows of no\b|\bits kin\b"
)


def test_sentences_are_plain() -> None:
    texts = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    texts += [path for package in ("ledger", "workers") for path in (ROOT / package).rglob("*.*")]
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in texts
        if path.suffix in {".py", ".sql", ".html", ".md", ".toml"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MANNERED.search(line)
    ]
    assert found == []


def test_importing_ledger_costs_nothing() -> None:
    """Settings modules import it, before there are settings: no Django, no database, nothing but itself."""
    code = "import sys, ledger; print(*(name for name in sys.modules if name.split('.')[0] in ('django', 'ledger')))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.split() == ["ledger"]


@pytest.mark.parametrize("package", ["ledger", "workers"])
def test_a_statement_has_one_home(package: str) -> None:
    """In its room's ``sql`` module, or above the functions of the one module that sends it; no function hides one.

    What is composed of names (an f-string) is where it is composed.
    """
    hidden = []
    for module, path in sources(package):
        functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef)]
        composed = {
            part for one in functions for f in ast.walk(one) if isinstance(f, ast.JoinedStr) for part in f.values
        }
        for text in (node for one in functions for node in ast.walk(one) if isinstance(node, ast.Constant)):
            said = "" if text in composed or not isinstance(text.value, str) else text.value.lstrip()
            if said.startswith(("SELECT ", "INSERT INTO ", "DELETE FROM ", "WITH ")):
                hidden.append(f"{module}:{text.lineno}")
    assert hidden == []


def test_no_module_postpones_its_annotations() -> None:
    """A name that isn't known yet is quoted where it stands."""
    modules = [path for package in ("ledger", "workers") for _, path in sources(package)]
    assert [path for path in modules if "from __future__ import annotations" in path.read_text()] == []


def test_help_names_every_argument() -> None:
    """``help(ledger.issue)`` is enough to use it."""
    import ledger

    functions = [getattr(ledger, name) for name in ledger.__all__ if not isinstance(getattr(ledger, name), ModuleType)]
    untold = {
        one.__name__: left
        for one in functions
        if (left := {name for name in inspect.signature(one).parameters if f"``{name}``" not in (one.__doc__ or "")})
    }
    assert untold == {"define_series": {"settings"}}  # which are reported one by one


def test_the_public_names_are_there() -> None:
    import ledger

    assert {name for name in ledger.__all__ if not hasattr(ledger, name)} == set()
    assert set(ledger.__all__) <= set(dir(ledger))
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\.\. auto(?:function|class):: ledger\.([\w.]+)", page, re.MULTILINE)
    modules = {name for name in ledger.__all__ if isinstance(getattr(ledger, name), ModuleType)}
    assert {name for name in shown if "." not in name} == set(ledger.__all__) - modules
    assert {name.partition(".")[0] for name in shown if "." in name} | {"errors"} == modules  # errors.md
    # What the reference shows of a package is what the package exports, or what stands in a module of its own.
    for name in shown:
        package, _, own = name.partition(".")
        exported = getattr(getattr(ledger, package), "__all__", None)
        assert exported is None or "." in own or own in exported, f"{name} is shown, and ledger.{package} keeps it"
    assert [name for name in shown if "._" in name] == []
    with pytest.raises(AttributeError, match="no attribute 'isue'"):
        getattr(ledger, "isue")  # noqa: B009  (a plain attribute would be a statement without effect)
