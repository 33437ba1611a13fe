"""Runs the blocks of a page, one after the other, in the process of the tests and on their database.

What is run how:

- ``python``: executed, with the names of the page's scene (``scenes``) and of the blocks before it. A comment that is a
  comparison (``# str(number) == "INV-2026-000123"``) must be true afterwards; ``TestCase`` classes are run; models get
  tables; the names that functions use must be there. Settings (a block that assigns nothing but upper-case names, or
  says ``# settings.py``) and ``# urls.py`` go into a project of their own, which ``manage.py check`` must like.
- ``console``: ``python manage.py …`` is run, what is shown below it must come out (``comparing``), and where nothing is
  shown, any output will do; other commands run in bash.
- ``sql``: executed, and rolled back. ``json``, ``toml``, ``yaml``: parsed. ``html``: a template of Django's in which
  every end tag has its beginning.
- ``text`` is what has nothing to run.

Whatever is not run is in ``exceptions``, with the reason.
"""

from __future__ import annotations

import ast
import builtins
import dis
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tokenize
import tomllib
import unittest
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import yaml
from django.core.management import ManagementUtility
from django.db import connection, models, transaction
from django.template import Engine
from django.test.html import parse_html
from django.test.utils import isolate_apps

from tests.docs import comparing, exceptions
from tests.docs.console import Typed, typed
from tests.docs.newcomer import Mismatch
from tests.docs.reading import ROOT, Block

#: Many times what one command takes.
PATIENCE = 120

#: A project as `startproject` makes it, with another database; the lines of a page follow.
_SETTINGS = "from tests.docs.project import *\n"
_LAST_SETTINGS = """
if "ledger" not in INSTALLED_APPS:
    INSTALLED_APPS = [*INSTALLED_APPS, "ledger"]
"""
_URLS = (
    "from django.contrib import admin\nfrom django.urls import path\nurlpatterns = [path('admin/', admin.site.urls)]\n"
)


@dataclass(slots=True)
class Runner:
    """Runs blocks in ``folder``, with ``names``, to which they add."""

    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    #: The lines of settings so far: a page adds to one file.
    settings: str = ""
    _codes: list[CodeType] = field(default_factory=list)

    def run(self, block: Block) -> None:
        """Run it. Raises Mismatch, with page and line, if the result differs from the page."""
        block = block.this_year()
        how = self._ways().get(block.language)
        if how is None:
            raise Mismatch(
                f"{block}: nobody knows how to run a block of the language {block.language!r}. Name one of "
                f"{', '.join(self._ways())}, or give the block a line in tests/docs/exceptions.py."
            )
        try:
            how(block)
        except Mismatch:
            raise
        except Exception as error:
            raise Mismatch(f"{_place(block, error)}: {type(error).__name__}: {error}") from error

    def _ways(self) -> dict[str, Callable[[Block], object]]:
        return {
            "python": self._python,
            "console": self._console,
            "sql": _sql,
            "json": lambda block: json.loads(block.text),
            "toml": lambda block: tomllib.loads(block.text),
            "yaml": lambda block: yaml.safe_load(block.text),
            "html": lambda block: parse_html(Engine(builtins=[]).from_string(block.text).source),
            "text": lambda block: None,
        }

    def strangers(self) -> list[str]:
        """Unknown names in the page's functions: a function that nothing calls may have mistakes too."""
        return [
            f"{Path(code.co_filename).relative_to(ROOT).as_posix()}:{line}: nobody knows the name {name!r}"
            for code in self._codes
            for line, name in _globals(code)
            if name not in self.names and not hasattr(builtins, name)
        ]

    # Python -------------------------------------------------------------------------------------------------

    def _python(self, block: Block) -> None:
        tree = ast.parse(block.text)
        ast.increment_lineno(tree, block.line - 1)
        if (block.file or "").endswith("urls.py"):
            self._check(block, urls=block.text)
        elif (block.file or "").endswith("settings.py") or _is_settings(tree):
            self._check(block, settings=self.settings + block.text)
            self.settings += block.text
        else:
            self._execute(block, tree)

    def _execute(self, block: Block, tree: ast.Module) -> None:
        before = set(self.names)
        code = compile(tree, str(ROOT / block.page), "exec")
        output = io.StringIO()
        self._codes.append(code)
        # Models belong to an app by the name of their module, and these are no part of the shop's.
        with isolate_apps("tests.shop"), redirect_stdout(output):
            self.names["__name__"] = "tests.shop.models"
            exec(code, self.names)  # noqa: S102  (our own pages)
        made = [value for name, value in self.names.items() if name not in before and isinstance(value, type)]
        for each in made:
            if issubclass(each, models.Model) and each.__module__ == "tests.shop.models" and not each._meta.abstract:
                make_table(each)
            elif issubclass(each, unittest.TestCase) and each.__module__ == "tests.shop.models":
                self._test(block, each)
        self._compare_comments(block)

    def _compare_comments(self, block: Block) -> None:
        for token in tokenize.generate_tokens(io.StringIO(block.text).readline):
            if token.type == tokenize.COMMENT and " == " in token.string:
                said = token.string.lstrip("# ")
                if not eval(said, self.names):  # noqa: S307  (our own pages)
                    told = eval(said.partition(" == ")[0], self.names)  # noqa: S307
                    raise Mismatch(f"{block.page}:{block.line + token.start[0] - 1}: {said} is not true: {told!r}")

    def _test(self, block: Block, case: type[unittest.TestCase]) -> None:
        result = unittest.TestResult()
        unittest.TestLoader().loadTestsFromTestCase(case).run(result)
        if not result.testsRun or not result.wasSuccessful():
            told = "".join(text for _, text in [*result.errors, *result.failures]) or "it has no tests"
            raise Mismatch(f"{block}: {case.__name__}: {told}")

    def _check(self, block: Block, *, settings: str = "", urls: str = "") -> None:
        project = self.folder / f"project_{block.line}"
        project.mkdir()
        # A place for what the page leaves out.
        (project / "their_settings.py").write_text(_SETTINGS + settings + _LAST_SETTINGS, encoding="utf-8")
        (project / "their_urls.py").write_text(_URLS + urls, encoding="utf-8")
        came, code = self._process(
            [sys.executable, "-m", "django", "check"],
            DJANGO_SETTINGS_MODULE="their_settings",
            PYTHONPATH=f"{project}{os.pathsep}{ROOT}",
        )
        if code or "System check identified no issues" not in came:
            raise Mismatch(f"{block}: manage.py check says of these lines\n{came}")

    # Consoles -----------------------------------------------------------------------------------------------

    def _console(self, block: Block) -> None:
        for command in typed(block):
            place = Block(block.page, command.line, "console", command.text)
            if exceptions.of(place) is None:
                self._type(place, command)

    def _type(self, place: Block, command: Typed) -> None:
        if command.session:
            raise Mismatch(f"{place}: a shell of Python is opened in the tutorial alone; use a python block.")
        arguments = _of_manage(command.text)
        came, code = self._shell(place) if arguments is None else manage(arguments)
        expected = exceptions.exit_code_of(place)
        if code != expected:
            raise Mismatch(f"{place}: `{command.text}` ended with exit code {code} instead of {expected}:\n{came}")
        if command.shown and not comparing.same(command.shown, came):
            raise Mismatch(f"{place}: $ {command.text}\n{comparing.difference(command.shown, came)}")

    def _shell(self, place: Block) -> tuple[str, int]:
        command = place.text
        if not re.search(r"\bpython\b", command) and not command.startswith("export "):
            raise Mismatch(f"{place}: nobody knows how to run `{command}`: give it a line in tests/docs/exceptions.py")
        return self._process(
            ["bash", "-c", f'set -o pipefail; python() {{ {shlex.quote(sys.executable)} "$@"; }}; {command}'],
            DJANGO_SETTINGS_MODULE="tests.settings",
            TEST_DATABASE=str(connection.settings_dict["NAME"]),
            PYTHONPATH=str(ROOT),
        )

    def _process(self, command: list[str], **environment: str) -> tuple[str, int]:
        manage_py = self.folder / "manage.py"
        if not manage_py.exists():
            manage_py.symlink_to(ROOT / "manage.py")
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.stdout, done.returncode


def _globals(code: CodeType) -> Iterator[tuple[int, str]]:
    """Line and name of each global that the functions in ``code`` use."""
    line = code.co_firstlineno
    for step in dis.get_instructions(code):
        # The place of the instruction, which all versions of Python tell alike; `starts_line` is a flag from 3.13 on.
        if step.positions is not None and step.positions.lineno is not None:
            line = step.positions.lineno
        if step.opname == "LOAD_GLOBAL":
            yield line, str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def manage(arguments: list[str]) -> tuple[str, int]:
    """The output of ``manage.py`` with these arguments, on both channels, and its exit code."""
    written = io.BytesIO()
    with (
        io.TextIOWrapper(written, encoding="utf-8", write_through=True) as output,
        redirect_stdout(output),
        redirect_stderr(output),
    ):
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return written.getvalue().decode(), code


def _of_manage(command: str) -> list[str] | None:
    """The arguments of ``python manage.py``, or None if the command needs a shell."""
    command = command.replace("\\\n", " ")
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    if words[:2] != ["python", "manage.py"] or any(set(word) <= set("|&;<>()") for word in words):
        return None
    return shlex.split(command, comments=True)[2:]


def _is_settings(tree: ast.Module) -> bool:
    """Whether nothing but upper-case names is assigned, beside imports."""
    targets: list[ast.expr] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AugAssign):
            targets.append(statement.target)
        elif not isinstance(statement, ast.Import | ast.ImportFrom):
            return False
    names = [re.match(r"\w*", ast.unparse(target)) for target in targets]
    return bool(names) and all(name is not None and name[0].isupper() for name in names)


def make_table(model: type[models.Model]) -> None:
    """A table of its own, beside the table of a model in the shop with the same name."""
    model._meta.db_table = f"page_{model._meta.model_name}"
    for constraint in model._meta.constraints:
        constraint.name = f"page_{constraint.name}"
    with connection.schema_editor() as editor:
        editor.create_model(model)


def drop_tables() -> None:
    """The tables of a page's models."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("page_"):
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")


def _sql(block: Block) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Statement by statement: parameters of psycopg's (%) mean nothing here.
        cursor.execute(block.text.replace("%", "%%"), [])
        transaction.set_rollback(True)


def _place(block: Block, error: BaseException) -> str:
    """The page and line of the failure, if they are known."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{block.page}:{block.line + error.lineno - 1}"
    trace, line = error.__traceback__, block.line
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(ROOT / block.page):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{block.page}:{line}"
