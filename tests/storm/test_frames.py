"""The protocol is read right, in pieces of any size."""

from __future__ import annotations

import struct

import pytest

from ledger import sql
from tests.storm.frames import FromClient, FromServer, Request

STARTUP = struct.pack("!II", 8 + 11, 196608) + b"user\0storm\0"
SSL = struct.pack("!II", 8, 80877103)


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def query(text: str) -> bytes:
    return message(b"Q", text.encode() + b"\0")


def parse(text: str) -> bytes:
    return message(b"P", b"name\0" + text.encode() + b"\0\0\0")


def requests(*parts: bytes) -> list[Request]:
    client = FromClient()
    return [request for part in parts for request in client.feed(part)]


def test_statements_and_commits_are_told_apart() -> None:
    stream = [STARTUP, query("SELECT 1"), query("COMMIT"), message(b"X")]
    found = requests(b"".join(stream))
    assert [request.data for request in found] == stream
    assert [(request.answered, request.commit) for request in found] == [
        (False, False),
        (True, False),
        (True, True),
        (False, False),
    ]


@pytest.mark.parametrize("text", [sql.RELEASE_EARLY % 17, f"{sql.BEGIN_EARLY}SELECT 1{sql.END_EARLY}"])
def test_a_commit_that_releases_early_is_one(text: str) -> None:
    assert [request.commit for request in requests(STARTUP, query(text))] == [False, True]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_of_any_size(size: int) -> None:
    stream = SSL + STARTUP + query("SELECT 1") + query("commit;") + message(b"X")
    parts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert requests(*parts) == requests(stream)
    assert b"".join(request.data for request in requests(*parts)) == stream


def test_the_extended_protocol_is_one_request_up_to_sync() -> None:
    batch = [parse("COMMIT"), message(b"B", b"\0name\0\0\0\0\0\0\0"), message(b"E", b"\0\0\0\0\0"), message(b"S")]
    found = requests(STARTUP, *batch)
    assert found[1:] == [Request(b"".join(batch), answered=True, commit=True)]


def test_flush_and_copied_data_are_passed_on_at_once() -> None:
    found = requests(STARTUP, parse("SELECT 1"), message(b"H"), message(b"d", b"row"), message(b"c"))
    assert [request.answered for request in found] == [False] * 4


@pytest.mark.parametrize("text", ["SELECT 'COMMIT'", "COMMIT PREPARED 'x'", "ROLLBACK", "COMMITTED"])
def test_what_is_no_commit(text: str) -> None:
    assert not requests(STARTUP, query(text))[1].commit


@pytest.mark.parametrize("size", [1, 4, 5, 1000])
def test_answers_are_counted(size: int) -> None:
    ready = message(b"Z", b"I")
    stream = message(b"R", b"\0\0\0\0") + message(b"K", struct.pack("!II", 4711, 1)) + ready
    stream += message(b"D", b"Z" * 50) + message(b"C", b"COMMIT\0") + ready + message(b"N", b"Z")
    server = FromServer()
    for at in range(0, len(stream), size):
        server.feed(stream[at : at + size])
    assert (server.answers, server.backend) == (2, 4711)
