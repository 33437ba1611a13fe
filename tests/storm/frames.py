"""The part of PostgreSQL's protocol that a proxy must read to recognise a COMMIT."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LENGTH = struct.Struct("!I")

#: What a client may send before its startup message, answered by a single byte: SSLRequest and GSSENCRequest.
_ENCRYPTION = {80877103, 80877104}
_CANCEL = 80877102

_QUERY, _PARSE, _SYNC, _FLUSH, _TERMINATE = b"Q", b"P", b"S", b"H", b"X"
_COPYING = b"dcf"
_READY, _KEY_DATA = b"Z", b"K"


@dataclass(frozen=True, slots=True)
class Request:
    """What the client sends up to the point where it waits for an answer.

    ``answered`` says whether PostgreSQL ends its answer by ReadyForQuery, as it does for statements; greetings,
    passwords and copied data are passed on without a look. ``seals`` says of a COMMIT that a seal was kept before it.
    """

    data: bytes
    answered: bool = False
    commit: bool = False
    seals: bool = False


class FromClient:
    """Cuts the client's stream into requests; bytes may come in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = b""
        self._pending = b""
        self._commit = False
        self._seals = False
        self._started = False

    def feed(self, data: bytes) -> Iterator[Request]:
        self._buffer += data
        while (request := self._next()) is not None:
            yield request

    def _next(self) -> Request | None:
        if not self._started:
            return self._greeting()
        while (frame := self._frame(header=5)) is not None:
            kind = frame[:1]
            if kind in (_QUERY, _PARSE):
                self._commit = self._commit or _is_commit(frame)
                self._seals = self._seals or b"ledger_keep_seal(" in frame
            self._pending += frame
            if kind in (_QUERY, _SYNC):
                return self._complete(answered=True)
            if kind in (_FLUSH, _TERMINATE) or kind in _COPYING or kind == b"p":
                return self._complete(answered=False)
        return None

    def _complete(self, *, answered: bool) -> Request:
        data, commit = self._pending, self._commit and answered
        seals = commit and self._seals
        self._pending, self._commit, self._seals = b"", False, self._seals and not commit
        return Request(data, answered, commit, seals)

    def _greeting(self) -> Request | None:
        frame = self._frame(header=4)
        if frame is None:
            return None
        code = _LENGTH.unpack_from(frame, 4)[0]
        self._started = code not in _ENCRYPTION and code != _CANCEL
        return Request(frame)

    def _frame(self, *, header: int) -> bytes | None:
        if len(self._buffer) < header:
            return None
        size = header - 4 + _LENGTH.unpack_from(self._buffer, header - 4)[0]
        if len(self._buffer) < size:
            return None
        frame, self._buffer = self._buffer[:size], self._buffer[size:]
        return frame


_COMMITS = (b"COMMIT", b"COMMIT WORK", b"COMMIT TRANSACTION", b"END")


def _is_commit(frame: bytes) -> bool:
    """Whether a Query or Parse message bears a COMMIT, perhaps among other statements."""
    text = frame[5:].rstrip(b"\0")
    if frame[:1] == _PARSE:
        # The statement's name, its text, then the types of its parameters.
        text = frame[5:].split(b"\0", 2)[1]
    return any(each.strip().upper() in _COMMITS for each in text.split(b";"))


class FromServer:
    """Counts PostgreSQL's answers: each ends by ReadyForQuery, as does the greeting."""

    def __init__(self) -> None:
        self.answers = 0
        self.backend: int | None = None
        self._buffer = b""
        self._skip = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes. ``backend`` is the id of the process at the other end, once it has said so."""
        self._buffer += data
        while True:
            if self._skip:
                passed = min(self._skip, len(self._buffer))
                self._skip -= passed
                self._buffer = self._buffer[passed:]
            wanted = 9 if self._buffer[:1] == _KEY_DATA else 5
            if self._skip or len(self._buffer) < wanted:
                return
            if wanted == 9:
                self.backend = _LENGTH.unpack_from(self._buffer, 5)[0]
            self.answers += self._buffer[:1] == _READY
            self._skip = 1 + _LENGTH.unpack_from(self._buffer, 1)[0]
