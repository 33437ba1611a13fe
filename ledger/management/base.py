"""What the ledger's commands share: help with examples, JSON for scripts, and errors in full."""

import argparse
import copy
import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import Error, connections, router
from django.utils.text import capfirst

from ledger import homes
from ledger.actions import all_or_none
from ledger.cursors import fetch_value
from ledger.database_errors import explanation, not_granted, plain
from ledger.errors import LedgerError
from ledger.judging import Verdict
from ledger.localization import in_english
from ledger.models import Entry, Series
from ledger.series import series_of
from ledger.sql import SET_LOCK_TIMEOUT
from ledger.texts import can_be_held
from ledger.timestamps import MomentEncoder, timestamp

#: Exit codes beside 0. 1: the command failed, or people have work to do. 2: the options are invalid. "Lost or
#: tampered" is 2 as well (``ledger.judging.State.exit_code``): argparse ends with 2, and either way nobody may go on.
FAILED = 1
BAD_OPTIONS = 2
#: At most so many lines of a table; --json has them all.
MOST_LINES = 200
#: The shell's exit codes of a program that SIGINT (Ctrl-C) or SIGPIPE has ended.
INTERRUPTED = 130
READER_GONE = 141

_HAS_TABLES = "SELECT coalesce(to_regclass('ledger_entry'), to_regclass('ledger_series')) IS NOT NULL"

_EXAMPLES = "examples:\n"

#: Options that name files.
_PATHS = frozenset({"file", "output"})

#: Django's own options, which work after a subcommand too.
_DJANGO = frozenset(
    {"version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks"}
)


class BadOptions(CommandError):
    """The options are invalid, or name what doesn't exist."""

    def __init__(self, message: object) -> None:
        super().__init__(str(message), returncode=BAD_OPTIONS)


class _Formatter(DjangoHelpFormatter):
    """Leaves examples as they are, and wraps all other text."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_EXAMPLES) else super()._fill_text(text, width, indent)


class LedgerCommand(BaseCommand):
    """A command with ``examples`` in its help, ``--database`` and ``--json``; a LedgerError ends it with code 1.

    A command that ``judges`` gives the verdict on the ledger: it ends with ``conclude``.
    """

    #: Lines to show under the options.
    examples = ""
    #: Whether it gives the verdict on the ledger; each command says so itself.
    judges: bool
    #: Whether it runs in each home where neither --database nor --tenant names one.
    in_all_homes = True
    #: Whether it is for the owner of the tables alone.
    for_owner = False
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        epilog = f"{_EXAMPLES}{self.examples.rstrip()}" if self.examples else None
        parser = super().create_parser(prog_name, subcommand, epilog=epilog, formatter_class=_Formatter, **kwargs)
        django = [action for action in parser._actions if action.dest in _DJANGO]
        groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        for sub in {sub for group in groups for sub in group.choices.values()}:
            for action in django:
                again = copy.copy(action)
                again.default = argparse.SUPPRESS  # the option before the subcommand counts, unless it is given here
                sub._add_action(again)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", metavar="ALIAS", help="The database, if not the ledger's own by DATABASES.")
        parser.add_argument("--json", action="store_true", help="Write one JSON document.")

    def add_tenant(self, parser: CommandParser) -> None:
        """``--tenant``, for commands that act on one tenant."""
        parser.add_argument("--tenant", default="", metavar="KEY", help="The tenant's key; none by default.")

    def add_chosen(self, parser: CommandParser, *, series: bool = True) -> None:
        """``--tenant`` and ``--series``, for commands that show all of them or one."""
        parser.add_argument("--tenant", metavar="KEY", help="Only this tenant; '' is the one without a name.")
        if series:
            parser.add_argument("--series", metavar="CODE", help="Only series of this code, such as invoice.")

    def add_actor(self, parser: CommandParser, what: str) -> None:
        """``--by``; its help begins with ``what``."""
        parser.add_argument("--by", default="", metavar="NAME", help=f"{what}; by default who runs the command.")

    def actor(self, options: dict[str, Any]) -> str:
        """Who acts: ``--by``, else the user of the operating system."""
        if options["by"]:
            return str(options["by"])
        try:
            return getpass.getuser()
        except (KeyError, OSError, ImportError):  # a container's user may have no name
            return f"uid {os.getuid()}"

    def handle(self, *args: Any, **options: Any) -> None:
        """Call the method of the action (``_new_era`` for new-era) with the database and the options."""
        getattr(self, f"_{options['action'].replace('-', '_')}")(self.alias(options), options)

    def do_all(self, chosen: Iterable[Any], act: Callable[[Any], Any], alias: str, *, turn: str) -> list[Any]:
        """Call ``act`` for each, all or none. Raises CommandError, which names each that was refused."""
        done = all_or_none(chosen, act, alias, turn=turn)
        if done.failures:
            raise CommandError("\n".join([*done.failures, "Nothing was written."]))
        return done.events

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was committed stays; all else was rolled back.")
            sys.exit(INTERRUPTED)

    def execute(self, *args: Any, **options: Any) -> Any:
        for name, value in options.items():
            _refuse_unreadable(name, value)
        try:
            if homes.are_many() and not options.get("database") and (self.in_all_homes or options.get("tenant")):
                if options.get("tenant") is None and not options.get("forever"):
                    return self._in_each_home(*args, **options)
                if options.get("tenant") is not None:
                    options["database"] = homes.database_for(options["tenant"], None, reads=True)
            said = super().execute(*args, **options)
            sys.stdout.flush()
            return said
        except (LedgerError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        except Error as error:
            said = explanation(error, "the command needs")
            if said is None:
                raise
            if self.for_owner and not_granted(error, "") is not None:
                said = f"Only the owner of the ledger's tables can do this: {plain(error)}. Connect as that role."
            raise CommandError(said) from error
        except BrokenPipeError:
            # The reader has closed the pipe, as `head` does. Python would complain again when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(READER_GONE)
        except OSError as error:
            if error.filename is None:
                raise
            raise BadOptions(f"{error.filename} can't be read or written: {error.strerror}.") from error

    def alias(self, options: dict[str, Any]) -> str:
        """The database to work on; raises BadOptions if there is no such database, or it isn't migrated."""
        alias: str = options["database"] or router.db_for_write(Entry)
        with suppress(ImproperlyConfigured):
            homes.registered(alias)
        if alias not in connections:
            raise BadOptions(f"DATABASES has no {alias!r}; it has {', '.join(connections)}.")
        connection = connections[alias]
        if connection.vendor != "postgresql":
            raise BadOptions(
                f"The database {alias!r} is {connection.vendor}; Folio runs on PostgreSQL. Choose another --database."
            )
        # A ledger that lost one table still has others; ledger_verify reports that.
        if not fetch_value(alias, _HAS_TABLES):
            raise BadOptions(f"The database {alias!r} has no ledger. Run manage.py migrate --database {alias} first.")
        return alias

    def refuse_unknown(self, alias: str, tenant: str | None, series: str | None) -> None:
        """Raise BadOptions for a misspelt name: an empty list would look as if all were well."""
        if (tenant, series) != (None, None) and not series_of(alias, tenant, series).exists():
            whose = "" if tenant is None else f" of tenant {tenant!r}"
            known = Series.objects.using(alias).values_list("code", flat=True).distinct().order_by("code")[:20]
            named = "" if series is None else f" {series!r}"
            told = f"There is no series{named}{whose}. There are {', '.join(known) or 'none yet'}; "
            raise BadOptions(f"{told}manage.py ledger_series list shows all.")

    def wait_at_most(self, alias: str, seconds: float) -> None:
        """Limit how long this transaction waits for a lock, since new checkouts queue behind it."""
        fetch_value(alias, SET_LOCK_TIMEOUT, [f"{max(1, round(seconds * 1000))}ms"])

    def _in_each_home(self, *args: Any, **options: Any) -> None:
        """Run the command in all homes, some at once; show each home's answer; end with the worst exit code."""
        said: dict[str, StringIO] = {home: StringIO() for home in homes.homes()}

        def run(home: str) -> None:
            type(self)().execute(*args, **{**options, "database": home, "stdout": said[home]})

        answers = homes.ask_all(run, said)
        texts = {home: out.getvalue() for home, out in said.items()}
        if options.get("json"):
            self.write_json({home: json.loads(text) if text.strip() else None for home, text in texts.items()})
        for home, text in texts.items() if not options.get("json") else ():
            self.stdout.write(f"{home}:\n{text.rstrip()}")
        failed = [answer for answer in answers if answer.error is not None]
        if failed:
            told = "\n".join(f"{answer.home}: {answer.error}" for answer in failed)
            raise CommandError(told, returncode=max(getattr(answer.error, "returncode", FAILED) for answer in failed))

    def conclude(self, verdict: Verdict, *, first: str = "", quiet: bool = False) -> None:
        """Write the verdict and end with its exit code: 0 in order, 1 work for people, 2 lost or tampered.

        ``first`` is what went wrong in the command itself: it is written too, and the exit code is not 0.
        ``quiet`` leaves good news to a JSON document.
        """
        if not verdict.is_in_order:
            told = " ".join(f"{capfirst(one.text)}. {one.remedy}" for one in verdict.sentences())
            known = f" {verdict.acknowledged_text}." if verdict.acknowledged else ""
            message = f"{first} {capfirst(verdict.state)}: {told}{known}".strip()
            raise CommandError(message, returncode=verdict.state.exit_code)
        if first:
            raise CommandError(first)
        if not quiet:
            self.stdout.write(self.style.SUCCESS(f"{capfirst(str(verdict))}. {last_look(verdict)}"))

    def answer(self, options: dict[str, Any], document: Any, text: str) -> None:
        """Write the result: as JSON with --json, else as a sentence."""
        if options["json"]:
            self.write_json(document)
        else:
            self.stdout.write(self.style.SUCCESS(text))

    def write_json(self, document: Any) -> None:
        """One JSON document on standard output."""
        with in_english():
            self.stdout.write(json.dumps(document, cls=MomentEncoder, ensure_ascii=False, indent=2))

    def stream_json(self, lists: Mapping[str, Iterable[Any]], tail: Callable[[], Mapping[str, Any]]) -> None:
        """Stream one JSON document, so that memory doesn't grow with its rows: lists, then what ``tail`` returns."""
        before = "{"
        with in_english():
            for name, rows in lists.items():
                self.stdout.write(f'{before}"{name}": [', ending="")
                between = "\n"
                for row in rows:
                    self.stdout.write(between + json.dumps(row, cls=MomentEncoder, ensure_ascii=False), ending="")
                    between = ",\n"
                before = "\n], "
            self.stdout.write(before + json.dumps(tail(), cls=MomentEncoder, ensure_ascii=False)[1:])

    def write_table(
        self,
        header: Iterable[str],
        rows: Iterable[Iterable[Any]],
        *,
        red: Callable[[list[str]], bool] = lambda row: False,
    ) -> None:
        """A table for people. On a terminal, rich draws it, wraps wide cells, and makes ``red`` rows red."""
        lines = [[str(cell) for cell in row] for row in [list(header), *rows]]
        with suppress(ModuleNotFoundError):
            if self.stdout.isatty():
                from rich.console import Console
                from rich.markup import escape
                from rich.table import Table

                table = Table(show_edge=False)
                for title, *cells in zip(*lines, strict=True):
                    is_number = all(re.fullmatch("[0-9,]+|-", cell) for cell in cells)
                    table.add_column(title, justify="right" if is_number else "left", overflow="fold")
                for line in lines[1:]:
                    table.add_row(*map(escape, line), style="bold red" if red(line) else None)
                # As one text, since Django's wrapper of standard output adds a line break to each write.
                text = StringIO()
                Console(file=text, force_terminal=True, width=Console().width).print(table)
                self.stdout.write(text.getvalue())
                return
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

    @contextmanager
    def progress(self, total: int | None, *, wanted: bool, always: bool = False) -> Iterator[Callable[[str], None]]:
        """Yield a function that shows which of ``total`` steps begins, on standard error if that is a terminal.

        ``always``: elsewhere too, as lines. ``total`` is None if it isn't known. The same step twice in a row is one.
        """
        is_terminal = self.stderr.isatty()
        bar: Any = None
        with ExitStack() as stack:
            with suppress(ModuleNotFoundError):
                from rich.console import Console
                from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

                columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
                if wanted and is_terminal:
                    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
                    task = bar.add_task("", total=total)
            begun, last = 0, ""

            def tell(step: str) -> None:
                nonlocal begun, last
                if step == last or not wanted:
                    return
                if bar is not None:
                    bar.update(task, description=step, completed=begun)
                elif is_terminal or always:
                    self.stderr.write(f"… {step}", self.style.NOTICE)
                begun, last = begun + 1, step

            yield tell


def last_look(verdict: Verdict) -> str:
    """A sentence: when the last full look was."""
    if verdict.looks_now:
        return "Every value was looked at."
    if verdict.looked_at is None:
        return "There was no full look yet: manage.py ledger_verify makes one."
    return f"Every value was last looked at on {timestamp(verdict.looked_at)}."


def counted(count: int, one: str, many: str) -> str:
    """``1 value``, ``3 values``: for sentences that a person reads."""
    return f"{count:,} {one if count == 1 else many}"


def _refuse_unreadable(name: str, value: Any) -> None:
    """Refuse characters that PostgreSQL can't store, but for the names of files; raises BadOptions."""
    for text in value if isinstance(value, list | tuple) else (value,):
        if isinstance(text, str) and name not in _PATHS and not can_be_held(text):
            raise BadOptions(f"{text!a} (--{name.replace('_', '-')}) holds a character that no text can have.")


def seconds(text: str) -> float:
    """An option of seconds, up to eleven days; argparse reports the ValueError with the option's name."""
    value = float(text)
    if not 0 <= value <= 1_000_000:  # false for nan too
        raise ValueError(text)
    return value


def days(text: str) -> timedelta:
    """An option of days, up to ten thousand; argparse reports the ValueError with the option's name."""
    value = float(text)
    if not 0 <= value <= 10_000:  # false for nan too
        raise ValueError(text)
    return timedelta(days=value)


def path(text: str) -> Path:
    """An option that names a file or a folder; an empty text, as of an unset variable, would be where one stands."""
    if not text:
        raise ValueError(text)
    return Path(text)


def iso_date(text: str) -> date:
    """A date option; argparse reports the ValueError with the option's name."""
    return date.fromisoformat(text)


iso_date.__name__ = "date (YYYY-MM-DD)"
