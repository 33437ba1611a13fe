"""Builds the documentation's site by the very command of `make docs`, without a network, and reads its pages."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Python runs it at its start: looking up another host while the site is built is an error.
NO_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise OSError("the site is built without a network")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
"""


@dataclass(frozen=True)
class Reference:
    """An address in a page, with its element and attribute."""

    element: str
    attribute: str
    address: str


@dataclass
class Page:
    """The parts of a page that links and tests need."""

    ids: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)
    text: str = ""


@dataclass(frozen=True)
class Site:
    """A built site: its folder, and the build's exit code and output."""

    folder: Path
    code: int
    said: str

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Every page by its path."""
        paths = sorted(self.folder.rglob("*.html"))
        return {path.relative_to(self.folder).as_posix(): read_page(path.read_text(encoding="utf-8")) for path in paths}


def command(site: Path, doctrees: Path) -> list[str]:
    """The line of the Makefile that builds the site, with other folders."""
    recipe = re.findall(
        r"^\t\$\(BIN\)/python (-m sphinx .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(recipe) == 1, "make docs builds the site by one line"
    folders = {"build/docs": str(site), "build/doctrees": str(doctrees)}
    return [sys.executable, *(folders.get(word, word) for word in shlex.split(recipe[0]))]


def build(folder: Path) -> None:
    """Build the site under ``folder``, and write there how that went."""
    guard, site = folder / "guard", folder / "site"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment["PYTHONPATH"] = os.pathsep.join([str(guard), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command(site, folder / "doctrees"), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    (folder / "said.json").write_text(json.dumps([done.returncode, done.stdout + done.stderr]), encoding="utf-8")


def built(folder: Path) -> Site:
    """The site that ``build`` has left there."""
    code, said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    return Site(folder / "site", code, said)


class _Reader(HTMLParser):
    """Gathers ids, addresses and text, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._silent = 0
        self._said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        for name, value in attrs:
            if name == "id" and value:
                self.page.ids.add(value)
            if name in ("href", "src", "action", "poster", "data", "srcset") and value is not None:
                self.page.references.append(Reference(tag, name, value))

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._said.append(data)

    def close(self) -> None:
        super().close()
        self.page.text = "".join(self._said)


def read_page(html: str) -> Page:
    """The page in ``html``."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page
