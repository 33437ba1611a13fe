"""The pages of the documentation, and the fenced blocks in them, read by markdown-it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]

#: The year of the pages stands for the current one, in what is typed and in what is shown; so do its neighbours.
YEAR_OF_THE_PAGES = 2026

_ALIASES = {"py": "python", "sh": "bash", "shell": "bash", "yml": "yaml"}
#: MyST's directives whose content is code; that of any other is Markdown, which may hold blocks.
_CODE = {"code", "code-block", "sourcecode"}
_DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\} *(?P<argument>.*)")
#: The first line of a block that is a file, or the end of one that is there.
_FILE = re.compile(
    r"(?:#|\{#|<!--) (?P<path>[\w./-]+\.\w+)(?P<end>, at the end)?(?: #\}| -->)?(?:[:,;] .*)?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: ``text`` begins in ``line`` of ``page``, which is a path below the root of the repository."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the first line names, or None."""
        found = _FILE.match(self.text)
        return found["path"] if found else None

    @property
    def is_the_end_of_its_file(self) -> bool:
        """Whether it goes to the end of that file, and is not the whole of it."""
        found = _FILE.match(self.text)
        return bool(found and found["end"])

    def this_year(self) -> Block:
        """The block as it is today."""
        return replace(self, text=this_year(self.text))


def this_year(text: str) -> str:
    """``text`` with the pages' year, the one before and the one after replaced by today's."""
    shift = datetime.now(UTC).year - YEAR_OF_THE_PAGES
    years = "|".join(str(YEAR_OF_THE_PAGES + step) for step in (-1, 0, 1))
    return re.sub(rf"(?<!\d)(?:{years})(?!\d)", lambda found: str(int(found[0]) + shift), text)


def pages() -> list[str]:
    """README.md, and every page under docs/."""
    return ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    return list(blocks_in((ROOT / page).read_text(encoding="utf-8"), page))


def blocks_in(text: str, page: str, before: int = 0) -> Iterator[Block]:
    """The blocks of ``text``, which begins after so many lines of ``page``."""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type != "fence" or token.map is None:
            continue
        line = before + token.map[0] + 2
        if directive := _DIRECTIVE.match(token.info.strip()):
            if directive["name"] not in _CODE:
                yield from blocks_in(token.content, page, line - 1)
                continue
            options = re.match(r"(?::.*\n)*\n*", token.content)
            skipped = options[0] if options else ""
            yield _block(page, line + skipped.count("\n"), directive["argument"], token.content[len(skipped) :])
        else:
            yield _block(page, line, token.info, token.content)


def _block(page: str, line: int, info: str, text: str) -> Block:
    language = (info.split() or [""])[0].lower()
    return Block(page, line, _ALIASES.get(language, language), text)
