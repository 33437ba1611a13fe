"""Everything to hand over, in one zip: the report as PDF, XLSX and JSON, the register, the seals, and a README."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import chain
from typing import IO, Any

from django.utils.translation import gettext as _

from ledger.errors import SealError
from ledger.reports.formats import Format, Warn, formats
from ledger.reports.formats.csv_tables import entry, separated_by
from ledger.reports.report import Report
from ledger.seals.exporting import export

CONTENTS = "CONTENTS.txt"
CHECKSUMS = "SHA256SUMS"

_BLOCK = 1 << 20


def write_package(report: Report, target: IO[bytes], warn: Warn, *, using: str, separator: str = ",") -> None:
    """Write the zip, all of it from the report's snapshot: any number of rows takes disk and no memory."""
    known, table = formats(), separated_by(separator)
    parts: list[tuple[str, str, Callable[[IO[bytes]], object]]] = [
        ("report.pdf", _("the report, to be read and signed"), _writer(known["pdf"], report, warn)),
        ("report.xlsx", _("the report as a workbook"), _writer(known["xlsx"], report, warn)),
        ("register.csv", _("every number on a line of its own"), _writer(table, report.only("register"), warn)),
        ("report.json", _("the report, to be read by programs"), _writer(known["json"], report, warn)),
    ]
    seals = _seals(report.header.tenant, using)
    if (first := next(seals, None)) is not None:
        lines = (f"{line}\n".encode() for line in chain([first], seals))
        what = _("the seals of all numbers, to be checked with folio_verify.py")
        parts.append(("seals.jsonl", what, lambda file: file.writelines(lines)))
    with ExitStack() as files, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        written = []
        for name, what, write in parts:
            file = files.enter_context(tempfile.TemporaryFile())
            write(file)
            file.seek(0)
            written.append((name, what, file, hashlib.file_digest(file, "sha256").hexdigest()))
        listed = "".join(f"{digest}  {name}\n" for name, _what, _file, digest in written)
        archive.writestr(entry(CONTENTS), _contents(report, [(name, what) for name, what, *_more in written]))
        archive.writestr(entry(CHECKSUMS), listed)
        for name, _what, file, _sum in written:
            file.seek(0)
            with archive.open(entry(name), "w", force_zip64=True) as place:
                shutil.copyfileobj(file, place, _BLOCK)


def _writer(how: Format, report: Report, warn: Warn) -> Callable[[IO[bytes]], object]:
    return lambda file: how.write(report, file, warn)


def _seals(tenant: str, using: str) -> Iterator[str]:
    with suppress(SealError):  # nothing is sealed yet; the report says so
        yield from export(using, tenant)


def _contents(report: Report, files: list[tuple[str, str]]) -> str:
    """For people: what is in the package, whose numbers they are, and how these stand."""
    rows: list[tuple[Any, Any]] = [*report.header.lines(), (_("State"), report.verdict.state.label), *files]
    rows.append((CHECKSUMS, _("the SHA-256 of each file, as sha256sum --check reads it")))
    width = max(len(str(label)) for label, _text in rows)
    lines = [f"{str(label).ljust(width)}  {text}" for label, text in rows]
    lines.insert(len(lines) - len(files) - 1, f"\n{report.sentence}\n")
    return "\n".join([str(report.title), "", *lines, ""])
