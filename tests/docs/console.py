"""Console blocks: the commands after ``$``, and the output below them.

    $ python manage.py ledger_gaps        # a comment, which may go on in the next line,
                                          # like this
    Nothing is missing.

A command ends with its line, or goes on after a backslash. ``>>>`` below a command is typed into the shell of Python
that the command opens.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.docs.reading import Block


@dataclass(slots=True)
class Typed:
    """One command, or one statement in Python's shell, with the lines that are shown below it."""

    text: str
    line: int
    shown: str = ""
    #: What is typed into the shell that the command opens.
    session: list[Typed] = field(default_factory=list)


def typed(block: Block) -> list[Typed]:
    """The commands of a console block. Raises ValueError if anything else comes before the first one."""
    commands: list[Typed] = []
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("$ "):
            command = Typed(line.removeprefix("$ "), block.line + at)
            while command.text.endswith("\\") and at + 1 < len(lines):
                at += 1
                command.text += "\n" + lines[at]
            commands.append(command)
            at += 1
            while at < len(lines) and "#" in command.text and re.match(r"\s+#", lines[at]):
                at += 1
            continue
        if not commands:
            raise ValueError(f"{block.page}:{block.line + at}: a console block begins with `$ ` and a command")
        if line.startswith(">>> "):
            rest = _up_to_the_next_command(lines[at:])
            commands[-1].session += statements("\n".join(rest), block.line + at)
            at += len(rest)
            continue
        commands[-1].shown += line + "\n"
        at += 1
    return commands


def _up_to_the_next_command(lines: list[str]) -> list[str]:
    return lines[: next((at for at, line in enumerate(lines) if line.startswith("$ ")), len(lines))]


def statements(text: str, line: int) -> list[Typed]:
    """What is typed after ``>>>``, with what is shown below it; ``text`` begins in ``line``."""
    return list(_statements(text, line))


def _statements(text: str, line: int) -> Iterator[Typed]:
    parts = doctest.DocTestParser().parse(text)
    for part in parts:
        if isinstance(part, doctest.Example):
            yield Typed(part.source, line + part.lineno, part.want)
        elif part.strip():
            raise ValueError(f"line {line}: {part.strip()!r} is neither typed after >>> nor shown below it")
