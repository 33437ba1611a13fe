"""A file is there in whole or not at all; a device or a pipe stays what it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from ledger.management.whole_file import whole_file


def test_all_of_it_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"the old one")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half of the", "file"])  # type: ignore[list-item]
    assert path.read_bytes() == b"the old one"
    with whole_file(path) as file:
        file.write(b"the new one")
        assert path.read_bytes() == b"the old one"
    assert path.read_bytes() == b"the new one"
    assert list(tmp_path.iterdir()) == [path]


def test_it_has_the_rights_of_a_new_file_or_of_the_one_before(tmp_path: Path) -> None:
    path, plain = tmp_path / "report.json", tmp_path / "plain"
    plain.touch()
    with whole_file(path) as file:
        file.write(b"one")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    with whole_file(path) as file:
        file.write(b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    link, path = tmp_path / "latest.json", tmp_path / "report.json"
    link.symlink_to(path)
    with whole_file(link) as file:
        file.write(b"here")
    assert link.is_symlink()
    assert path.read_bytes() == b"here"


def test_a_device_or_a_pipe_stays_what_it_is(tmp_path: Path) -> None:
    """The super-user could replace /dev/null by a file, for everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with whole_file(pipe) as file:
        file.write(b"told")
    reader.join(10)
    assert read == [b"told"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("name", ["", "nowhere/report.json"])
def test_a_place_where_no_file_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"directory"), whole_file(tmp_path / name):
        pytest.fail("nothing can be written there")
