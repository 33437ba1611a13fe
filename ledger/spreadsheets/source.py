"""A file that people exported, as lines of text: hashed and measured while it is read, in bounded memory."""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ledger.errors import InvalidArgument, TableError
from ledger.keys import printable

#: The longest line of a file, in characters. It bounds the memory, whatever the file is.
MAX_LINE = 1 << 20

# A byte order mark names the encoding, whatever the options say.
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Source(io.RawIOBase):
    """A file that is hashed and measured while it is read: the digest is of the very bytes that were read."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except (OSError, ValueError) as error:  # ValueError of a name that no file can have
            raise InvalidArgument(
                f"The file {str(path)!a} can't be read: {getattr(error, 'strerror', error)}.",
                rule="A table is read from a file: CSV, XLSX, ODS or JSON lines.",
                remedy="Check its path and its permissions.",
            ) from error
        # Bytes that are no text, and characters that nobody can see, can't be stored or printed.
        name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self.name = "".join(one if printable(one) else "\ufffd" for one in name)
        self.size = os.fstat(self._file.fileno()).st_size
        self.position = 0
        self._digest = hashlib.sha256()
        self._buffered = io.BufferedReader(self, 1 << 16)

    def begins(self, length: int) -> bytes:
        """The first bytes of the file; they are read again later."""
        return self._buffered.peek(length)[:length]

    def everything(self) -> bytes:
        """The whole file, for formats that can't be read from beginning to end."""
        return self._buffered.read()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer) or 0
        self._digest.update(memoryview(buffer)[:count])
        self.position += count
        return count

    def close(self) -> None:
        if hasattr(self, "_file"):  # a file that could not be opened is closed too, by the garbage collector
            self._file.close()
        super().close()

    def sha256(self) -> str:
        """The digest of what was read so far, in hexadecimal digits."""
        return self._digest.hexdigest()

    def lines(self, encoding: str | None) -> Iterator[str]:
        """The lines of the file, each below the limit and without NUL, which PostgreSQL can't store.

        Raises TableError for a file that isn't text in that encoding, or has no lines.
        """

        def refusal(problem: str, wanted: str) -> TableError:
            return TableError(
                f"The file {self.name!r} {problem}, at or soon after line {number}.",
                rule=f"A file is text in one encoding, in lines of at most {MAX_LINE} characters.",
                remedy=f"Export it again as CSV in UTF-8, {wanted}.",
            )

        begin = self.begins(3)
        encoding = next((name for mark, name in _MARKS if begin.startswith(mark)), encoding or "utf-8")
        text = io.TextIOWrapper(self._buffered, encoding=encoding, newline="")
        number = 0
        while True:
            number += 1
            try:
                line = text.readline(MAX_LINE)
            except UnicodeError as error:
                reason = getattr(error, "reason", str(error))
                raise refusal(
                    f"is not encoded in {encoding} ({reason})", "or name its encoding: --encoding cp1252"
                ) from error
            if not line:
                return
            if "\0" in line:
                raise refusal("contains a NUL byte, so it is no text", "or name its encoding: --encoding utf-16-le")
            if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
                raise refusal(f"has more than {MAX_LINE} characters in one line", "with a line for each document")
            yield line
