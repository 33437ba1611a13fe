"""The file formats of reports. Each is a module here with a ``FORMAT``."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import IO

from ledger.errors import ReportError
from ledger.reports.report import Report

#: Called with each warning about a file that was written, such as a script that no font has.
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Format:
    """``write(report, target, warn)`` writes a whole file to a binary ``target``, which need not be seekable where
    ``streams``. ``suffix`` is what its files are called by, ``content_type`` what a web page says of them.
    """

    name: str
    title: str
    suffix: str
    content_type: str
    streams: bool
    write: Callable[[Report, IO[bytes], Warn], None]


def formats() -> dict[str, Format]:
    """All formats by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    every: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {known.name: known for known in every}


def format_named(name: str) -> Format:
    """The format of that name; raises ReportError if it doesn't exist."""
    known = formats()
    if name not in known:
        raise ReportError(
            f"The format {name!r} is unknown.",
            rule="A report is written in one of Folio's formats.",
            remedy=f"Choose one of {', '.join(known)}.",
        )
    return known[name]


def needs(library: str) -> ReportError:
    """What is raised when a format's library is not installed."""
    return ReportError(
        f"{library} is not installed.",
        rule="This format needs it.",
        remedy="Install it with Folio: pip install 'django-folio[reports]'.",
    )
