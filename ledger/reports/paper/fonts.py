"""Finds fonts of this machine for a document: one for most texts, and one for each further script in it.

Each font's own table of characters says which letters it has. Missing letters are reported by the name of their script.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from fontTools.unicodedata import script, script_name

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")

#: Regular and bold faces that suit a table, the best first; the names of their files.
_TEXT = (
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("OpenSans-Regular.ttf", "OpenSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)
_UNLIKELY = ("bold", "italic", "oblique", "mono", "condensed", "light", "thin", "black", "serif", "emoji", "symbol")


def installed() -> list[Path]:
    """The font files of this machine, the best for most texts first; from fontconfig or the usual folders."""
    lister = shutil.which("fc-list")
    if lister is not None:
        told = subprocess.run([lister, "--format", "%{file}\n"], capture_output=True, text=True, check=False).stdout
        found = {Path(line) for line in told.splitlines()}
    else:
        found = {path for folder in _folders() for path in folder.rglob("*")}
    return sorted((path for path in found if path.suffix.lower() in _SUFFIXES), key=_rank)


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]


def _rank(path: Path) -> tuple[int, bool, str, str]:
    name = path.name.lower()
    return sum(word in name for word in _UNLIKELY), not name.startswith("noto"), name, str(path)


@dataclass(slots=True)
class Fonts:
    """Finds faces among ``files``; remembers which characters each has, and the scripts that none has."""

    files: list[Path]
    missing: set[str] = field(default_factory=set)
    _characters: dict[Path, frozenset[int]] = field(default_factory=dict)
    _without: set[str] = field(default_factory=set)

    def text_faces(self) -> tuple[Path, Path] | None:
        """A regular and a bold face for most texts, or None if this machine has none."""
        by_name = {path.name: path for path in reversed(self.files)}
        return next(((by_name[a], by_name[b]) for a, b in _TEXT if a in by_name and b in by_name), None)

    def face_for(self, character: str) -> Path | None:
        """The first face that has a character, or None; then its script is among ``missing``."""
        if character in self._without:
            return None
        for path in self.files:
            if ord(character) in self.characters(path):
                return path
        self._without.add(character)
        self.missing.add(script_name(script(character)).replace("_", " "))
        return None

    def characters(self, path: Path) -> frozenset[int]:
        """The characters that a face has; none if its file can't be read."""
        if path not in self._characters:
            try:
                with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
                    self._characters[path] = frozenset(font.getBestCmap() or ())
            except (OSError, TTLibError, AssertionError, KeyError):  # a damaged font counts as one without letters
                self._characters[path] = frozenset()
        return self._characters[path]
