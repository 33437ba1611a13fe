"""What a page shows, compared with what came out. Three things may differ, and nothing else.

- ``…`` stands for any text; in a line of its own for any number of lines, also none.
- A date such as 2026-11-21 is as good as any other, and so is a time such as 17:42:42 (also with its fraction, and with
  +00:00 or Z behind it). Years by themselves, and in numbers, are those of today: see ``reading.this_year``.
- What no terminal shows: white space at the end of a line, empty lines at the end of the text, a byte order mark.
"""

from __future__ import annotations

import difflib
import re

_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_TIME = re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?\b")


def same(shown: str, came: str) -> bool:
    """Whether ``came`` is what a page shows."""
    pattern = re.escape(_plain(shown))
    pattern = re.sub(r"^[ ]*(?:\\ )*…(?:\\?\n)", r"(?:.*\\n)*?", pattern, flags=re.MULTILINE)
    return re.fullmatch(pattern.replace("…", ".*?"), _plain(came), re.DOTALL) is not None


def difference(shown: str, came: str) -> str:
    """Both, line by line, for the person who corrects the page or the product."""
    lines = difflib.ndiff(_plain(shown).splitlines(), _plain(came).splitlines())
    return "\n".join(line for line in lines if not line.startswith("?"))


def _plain(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.replace("\ufeff", "").splitlines()).rstrip("\n") + "\n"
    return _TIME.sub("00:00:00", _DATE.sub("0000-00-00", lines))
