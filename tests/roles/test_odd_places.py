"""Every command where it can't do its work, and with odd values: it says why in a line, without a traceback.

The commands and their options are found by introspection, so a new one is tried too.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.core.management import find_commands, load_command_class
from django.db import transaction

import ledger.management
import workers.management
from ledger import issue
from ledger.management.commands import ledger_gaps
from tests.databases import database_alias, manage_here, new_database
from tests.roles.logins import AUDITOR, DAY, NOBODY, OWNER, Logins, series_of_each_allocation

READ_ONLY, DOWN, EMPTY = "odd-read-only", "odd-down", "odd-empty"

#: What an option or argument is given, by its name; others have what their type takes, or a word.
SAMPLES = {
    "system": "books",
    "template": "X-{year}-{counter}",
    "justification": "The printer has eaten them",
    "gstin": "27AAPFU0939F1ZV",
    "cnpj": "12345678000195",
    "state": "35",
    "map": "serial=1",
    "series": "serial",
    "tenant": "odd",
    "org": "odd",
    "role": "postgres",
    "number": "odd-serial-2026-1",
}
_OF_TYPES = ("1", "2026-05-05", "2026-05", "2026-05-05T00:00:00+00:00", "x")
#: Django's own, and where to work.
_LEFT_OUT = frozenset({"help", "version", "settings", "pythonpath", "verbosity", "database", "output", "forever"})
ODD = ("nan", "-inf", "-1", "9" * 30, "", "a\nb", "\udc80", "x" * 999, "0001-01-01", "9999-12-31", "0000-01", "%s{")

#: A command with its subcommand, and the parser of its arguments.
Action: TypeAlias = tuple[tuple[str, ...], argparse.ArgumentParser]


def actions() -> Iterator[Action]:
    """Every command of Folio; with subcommands, each of these."""
    for package in (ledger.management, workers.management):
        for name in find_commands(package.__path__[0]):
            command = load_command_class(package.__name__.partition(".")[0], name)
            yield from _below((name,), command.create_parser("manage.py", name))


def _below(words: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[Action]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not groups:
        yield words, parser
    for group in groups:
        for word, sub in group.choices.items():
            yield from _below((*words, word), sub)


def sample(argument: argparse.Action) -> str:
    """A value that the argument takes."""
    if argument.choices is not None:
        return str(next(iter(argument.choices)))
    if argument.type is None or argument.dest in SAMPLES:
        return SAMPLES.get(argument.dest, "word")
    for text in _OF_TYPES:
        with suppress(ValueError, argparse.ArgumentTypeError):
            argument.type(text)  # type: ignore[operator]
            return text
    raise AssertionError(f"no sample fits {argument}")


def line(action: Action, alias: str, odd: argparse.Action | None = None, value: str = "") -> list[str]:
    """The shortest line that runs the command; ``value`` for the argument ``odd``."""
    words, parser = action
    options, positionals = [*words], ["--"]
    for each in parser._actions:
        text = value if each is odd else sample(each) if each.nargs != 0 else ""
        wanted = each.required or each is odd or (each.dest == "tenant" and words != ("ledger_migrate_from",))
        if each.option_strings and wanted:
            options.append(f"{each.option_strings[-1]}={text}")
        elif not each.option_strings and (each.nargs not in ("?", "*") or each is odd):
            positionals.append(text)
    knows = any(each.dest == "database" for each in parser._actions)
    options[len(options) if knows else 1 :] = [f"--database={alias}", *options[len(options) if knows else 1 :]]
    return options + positionals[len(positionals) == 1 :]


#: Homes are databases of their own; flush and verifier read no ledger.
ACTIONS = [each for each in actions() if not {"flush", "ledger_home", "verifier"} & set(each[0])]


@pytest.fixture(scope="module", autouse=True)
def _filled(logins: Logins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A tenant for whom each command has something to do, and the databases where it can't."""
    for series in series_of_each_allocation("odd"):
        with transaction.atomic(using=OWNER):
            issue(series, document=f"shop.order:{series.pk}", on=DAY, using=OWNER)
    with transaction.atomic(using=OWNER):
        issue("reserved", org="odd", on=DAY, using=OWNER)
        transaction.set_rollback(True, using=OWNER)
    table = tmp_path_factory.mktemp("odd") / "table.csv"
    table.write_text("number,issued_at,reference\nodd-serial-2026-1,2026-05-05,abc\n")
    SAMPLES["file"] = str(table)
    read_only = {"OPTIONS": {"options": "-c default_transaction_read_only=on"}}
    with (
        database_alias(READ_ONLY, logins.url_of(OWNER), **read_only),
        database_alias(DOWN, logins.url_of(OWNER), HOST="/nowhere"),
        new_database("folio_odd_empty") as empty,
        database_alias(EMPTY, empty),
    ):
        yield


@pytest.fixture(autouse=True)
def _odd_settings(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"folder": str(tmp_path), "profile": "datev", "complete": "everything"}
    settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"books": {"adapter": "file", "options": options}}}
    settings.LEDGER = {**settings.LEDGER, "DOCUMENTS": ["shop.Order"]}
    monkeypatch.setattr(ledger_gaps, "GRACE", timedelta(0))


def said(arguments: list[str], caplog: pytest.LogCaptureFixture) -> tuple[int, str]:
    """The exit code, and what was said on standard error."""
    caplog.clear()
    done = manage_here(*arguments)  # a traceback would end the test
    told = done.stderr.strip()
    assert not [record for record in caplog.records if record.exc_info], (arguments, caplog.text)
    assert done.returncode in (0, 1, 2, 3), (arguments, told)
    if done.returncode:
        assert re.search(r"^(CommandError|BadOptions|manage.py .*error): \S", told, re.MULTILINE), (arguments, told)
    for word in ("Traceback", "CONTEXT:", "LINE 1:"):
        assert word not in told, (arguments, told)
    return done.returncode, told


@pytest.mark.parametrize(
    ("alias", "code", "told"),
    [
        (DOWN, 1, "The database could not be asked: connection "),
        (EMPTY, 2, "The database 'odd-empty' has no ledger. Run manage.py migrate --database odd-empty first."),
    ],
)
def test_a_database_that_is_down_or_not_migrated(
    alias: str, code: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    for action in ACTIONS:
        got, words = said(line(action, alias), caplog)
        assert got == code, (action[0], words)
        assert told in words, action[0]


_MAY_NOT = "The role of this connection may not do what"


@pytest.mark.parametrize(
    ("alias", "told"),
    [
        (NOBODY, {"ledger_gaps sweep": _MAY_NOT, "ledger_documents look": _MAY_NOT, "ledger_status": _MAY_NOT}),
        (
            AUDITOR,
            {
                "ledger_gaps list": "Unexplained: 1 value is left over",
                "ledger_gaps sweep": f"{_MAY_NOT} the command needs: permission denied for function ledger_flag_gap.",
                "ledger_documents look": "such as a table of yours: GRANT SELECT ON",
                "ledger_install": "Only the owner of the ledger's tables can do this",
            },
        ),
        (
            READ_ONLY,
            {
                "ledger_gaps list": "Unexplained: 1 value is left over",
                "ledger_gaps sweep": "The database takes no writes: cannot execute",
                "ledger_documents look": "The database takes no writes: cannot execute",
                "ledger_references": "The database takes no writes: cannot execute",
                "ledger_install": "The database takes no writes: cannot execute",
            },
        ),
    ],
    ids=["nobody", "auditor", "read-only"],
)
def test_a_role_that_may_not_and_a_database_without_writes(
    alias: str, told: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    words = {" ".join(action[0]): said(line(action, alias), caplog) for action in ACTIONS}
    for command, expected in told.items():
        assert words[command][0] == 1
        assert expected in words[command][1]


def test_odd_values(caplog: pytest.LogCaptureFixture) -> None:
    """Each is refused in a line, or is a good value after all."""
    tried = [
        (action, argument)
        for action in ACTIONS
        for argument in action[1]._actions
        if argument.dest not in _LEFT_OUT and argument.nargs != 0
    ]
    for number, (action, argument) in enumerate(tried):
        # What takes any text runs the command, so it is tried with one value, and the next argument with the next.
        for value in [ODD[number % len(ODD)]] if argument.type is None else ODD[number % 3 :: 3]:
            said(line(action, OWNER, argument, value), caplog)
