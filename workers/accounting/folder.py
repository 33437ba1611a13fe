"""Books in files, for accounting software without an adapter: exports that people drop in a folder.

``ledger.reconciliation.files`` reads and compares; this module watches the folder. A file that was read is moved to the
folder ``read`` in it; one that is refused to ``refused``, with a text that says why.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from ledger.calendars import named_span
from ledger.errors import InvalidArgument, LedgerError, ReconciliationError, TableError
from ledger.reconciliation import BookSettings
from ledger.reconciliation.describing import Describe
from ledger.reconciliation.files import FileRead, reconcile_file
from ledger.spreadsheets import BadRow, Layout, profile
from workers.accounting.base import AccountingSystem, Capabilities
from workers.accounting.errors import UnexpectedAnswer, Unsupported
from workers.accounting.systems import System

#: Seconds. A file that was written more recently may still be growing.
SETTLED = 10.0

_MONTH = re.compile(r"(?<!\d)(\d{4})-?(0[1-9]|1[0-2])(?!\d)")
_UNFINISHED = (".part", ".tmp", ".crdownload", ".partial")


class Folder(AccountingSystem):
    """The adapter ``file``: ``read_folder`` reads the files, and nothing else can be done."""

    name: ClassVar[str] = "file"
    capabilities = Capabilities(who_numbers=frozenset(), changed_since=False, deletions=False, drafts=False)

    def _refuse(self, *args: object, **options: object) -> NoReturn:
        raise self.error(
            Unsupported,
            "books in files can only be read.",
            rule="A file answers no requests, and nothing is written into it.",
            remedy="Leave 'push' out of its settings, and name no remote series for it.",
        )

    changed = find = push = draft = cancel = _refuse


def read_folder(
    system: System, books: BookSettings, describe: Describe | None, *, using: str | None, tell: Callable[[str], None]
) -> list[FileRead]:
    """Read all new files in the system's folder, the oldest first.

    Raises Misconfigured, and, after the last file, UnexpectedAnswer if one was refused.
    """
    folder, layout, by_month = _settings(system)
    done: list[FileRead] = []
    refused: list[str] = []
    for path in _waiting(folder):
        tell(f"reading {path.name}")
        bad: list[BadRow] = []
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        try:
            complete = _month(path.name) if by_month else None
            done.append(
                reconcile_file(
                    path,
                    books,
                    layout,
                    complete=complete,
                    as_of=written if complete is None else None,
                    describe=describe,
                    on_bad_row=bad.append,
                    using=using,
                )
            )
        except (TableError, ReconciliationError, InvalidArgument) as error:
            refused.append(path.name)
            kept = _moved(path, folder / "refused")
            kept.with_name(f"{kept.name}.txt").write_text(_told(error, bad), encoding="utf-8")
        else:
            _moved(path, folder / "read")
    if refused:
        raise UnexpectedAnswer(
            f"{system.name}: {', '.join(refused)} can't be read.",
            rule="A file is read as a whole or not at all.",
            remedy=f"Read the text beside it in {folder / 'refused'}, correct the file, and put it into the folder "
            "again.",
            system=system.name,
        )
    return done


def _settings(system: System) -> tuple[Path, Layout, bool]:
    """The folder, the layout of its files, and whether each has one month."""
    folder = Path(system.option("folder", ""))
    complete = system.option("complete", "everything")
    given: Mapping[str, Any] = system.option("layout", {})
    problem = ""
    if not str(system.option("folder", "")) or not folder.is_dir():
        problem = f"there is no folder {str(folder)!r}"
    elif complete not in ("everything", "month"):
        problem = f"'complete' is {complete!r}"
    changes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    try:
        named = system.option("profile", "")
        layout = profile(named, **changes) if named else Layout(**changes)
    except (InvalidArgument, TypeError) as error:
        problem = problem or str(error)
    if problem:
        rule = "Books in files have 'folder', 'profile' or 'layout', and 'complete': 'everything' or 'month'."
        raise system.wrong(problem, rule)
    return folder, layout, complete == "month"


def _waiting(folder: Path) -> list[Path]:
    """New files that have stopped growing, the oldest first."""
    settled = time.time() - SETTLED
    whole = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    aged = [(path.stat().st_mtime, path.name, path) for path in whole if not path.name.endswith(_UNFINISHED)]
    return [path for written, _, path in sorted(aged) if written <= settled]


def _month(name: str) -> tuple[date, date]:
    """The month in a file's name, such as 2026-11 or 202611. Raises InvalidArgument."""
    found = _MONTH.search(name)
    if found is None:
        raise InvalidArgument(
            f"The name {name!r} has no month.",
            rule="With 'complete': 'month', a file's name says which month it has.",
            remedy="Name it like invoices-2026-11.csv.",
        )
    month = named_span(f"{found[1]}-{found[2]}")
    return month.starts_on, month.ends_on


def _moved(path: Path, folder: Path) -> Path:
    """Move the file to another folder, under a name that is free there; its new path."""
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    again = 1
    while target.exists():
        again += 1
        target = folder / f"{path.stem}-{again}{path.suffix}"
    return path.rename(target)


def _told(error: LedgerError, bad: list[BadRow]) -> str:
    return "\n".join([str(error), "", *map(str, bad), ""])
