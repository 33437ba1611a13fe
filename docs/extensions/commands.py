"""The directive ``commands``: each management command of an app, with the text of its ``--help``.

    ```{commands} ledger
    ```

Makes a section for each command, with what it does, how it is called, its actions, options and examples. What every
Django command has (``--settings``, ``--verbosity`` …) is left out.
"""

from __future__ import annotations

import pkgutil
import re
from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import BaseCommand, DjangoHelpFormatter
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_EXAMPLES = "examples:\n"
_OPTION = re.compile(r"((?<![\w-])--[a-z][a-z-]*)")
_DJANGOS = {option for action in BaseCommand().create_parser("", "")._actions for option in action.option_strings}


class Commands(SphinxDirective):
    """See the module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The sections, in the order of the commands' names."""
        app = self.arguments[0]
        package = import_module(f"{app}.management.commands")
        self.env.note_dependency(__file__)
        return [
            self._command(app, module.name) for module in pkgutil.iter_modules(package.__path__) if not module.ispkg
        ]

    def _command(self, app: str, name: str) -> nodes.section:
        import_module(f"{app}.management.commands.{name}")
        parser = load_command_class(app, name).create_parser("manage.py", name)
        section = nodes.section(ids=[name.replace("_", "-")], names=[name])
        section += nodes.title(text=name)
        self.state.document.note_explicit_target(section, section)
        section += list(_paragraphs(parser.description or ""))
        section += list(_described(parser))
        for action, sub, help_text in _actions(parser):
            below = nodes.section(ids=[f"{name}-{action}".replace("_", "-")], names=[f"{name} {action}"])
            below += nodes.title(text=f"{name} {action}")
            self.state.document.note_explicit_target(below, below)
            below += list(_paragraphs(sub.description or help_text))
            below += list(_described(sub))
            section += below
        if parser.epilog and parser.epilog.startswith(_EXAMPLES):
            lines = parser.epilog.removeprefix(_EXAMPLES).splitlines()
            text = "\n".join(line.removeprefix("  ") for line in lines)
            section += nodes.rubric(text="Examples")
            section += nodes.literal_block(text, text, language="text")
        return section


def _paragraphs(text: str) -> Iterator[nodes.paragraph]:
    """What the command does, and what its exit codes mean; the help has both in one paragraph."""
    does, marked, codes = text.partition("Exit code 0:")
    yield _paragraph(does.strip())
    if marked:
        yield nodes.paragraph("", "", nodes.strong(text="Exit codes: "), *_paragraph(f"0:{codes}").children)


def _paragraph(text: str) -> nodes.paragraph:
    """With options as code, as they are typed."""
    paragraph = nodes.paragraph()
    for part in _OPTION.split(text):
        paragraph += nodes.literal(text=part) if _OPTION.fullmatch(part) else nodes.Text(part)
    return paragraph


def _described(parser: ArgumentParser) -> Iterator[nodes.Node]:
    """How a command is called, and its own arguments, group by group."""
    shown = [action for action in parser._actions if _is_own(action)]
    formatter = DjangoHelpFormatter(prog=parser.prog, width=100)
    formatter.add_usage(None, shown, parser._mutually_exclusive_groups)
    usage = formatter.format_help().strip().removeprefix("usage: ")
    usage = "\n".join(line.removeprefix("       ") for line in usage.splitlines())
    yield nodes.literal_block(usage, usage, language="text")
    for group in parser._action_groups:
        own = [
            action for action in group._group_actions if _is_own(action) and not isinstance(action, _SubParsersAction)
        ]
        if not own:
            continue
        if group.title not in ("options", "positional arguments"):
            yield nodes.paragraph("", "", nodes.strong(text=f"{group.title or ''}".capitalize().rstrip(":")))
        if group.description:
            yield nodes.paragraph(text=group.description)
        yield nodes.definition_list("", *[_argument(action) for action in own])


def _argument(action: Action) -> nodes.definition_list_item:
    term = nodes.term()
    value = "" if action.nargs == 0 else f" {_value(action)}"
    for number, name in enumerate(action.option_strings or [_value(action)]):
        term += ([nodes.Text(", ")] if number else []) + [
            nodes.literal(text=name + (value if action.option_strings else ""))
        ]
    said = (action.help or "") % {"default": action.default, "prog": ""}
    if action.choices is not None and action.metavar is not None:
        said = f"{said} One of {', '.join(map(str, action.choices))}.".strip()
    if action.required and action.option_strings:
        said = f"{said} Required.".strip()
    return nodes.definition_list_item("", term, nodes.definition("", _paragraph(said)))


def _value(action: Action) -> str:
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def _actions(parser: ArgumentParser) -> Iterator[tuple[str, ArgumentParser, str]]:
    """The name, the parser and the line of help of each of a command's actions."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                yield name, sub, told.get(name, "")


def _is_own(action: Action) -> bool:
    return action.help != SUPPRESS and not set(action.option_strings) & _DJANGOS


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
