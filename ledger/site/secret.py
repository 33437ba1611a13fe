"""The site's secret key, made once, in a file that only its owner can read."""

import contextlib
import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def secret_key(path: Path) -> str:
    """Return the key in the file `path`; make it if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written to a draft and linked, so that two processes that start at once use the same complete key.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(get_random_secret_key(), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
