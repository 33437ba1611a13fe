"""Files that a command writes: there in whole, or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """What is written stands at ``path`` once all of it is written, with the rights of a new file; raises OSError.

    A link is followed. A device or a pipe, such as /dev/stdout, is written to at the end, and stays what it is.
    """
    place = path.resolve()
    if place.exists() and not place.is_file() and not place.is_dir():
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with place.open("wb") as target:
                shutil.copyfileobj(file, target)
        return
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    mode = place.stat().st_mode & 0o777 if place.exists() else 0o666
    draft = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        with open(draft, "x+b", opener=partial(os.open, mode=mode)) as file:
            yield file
        if place.exists():
            draft.chmod(mode)  # without the process's umask
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
