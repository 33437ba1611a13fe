"""Worker processes of a test, on its database, that begin at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]

_BEGIN = """
import sys
import django
django.setup()
from django.db import connection
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
"""


def together(code: str, *, count: int, **environment: str) -> list[str]:
    """The output of each of ``count`` processes that ran ``code`` side by side; an error in one is an error here."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _BEGIN + code],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "TEST_DATABASE": str(connection.settings_dict["NAME"]),
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.stderr and process.stderr.read()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = []
        for process in running:
            out, err = process.communicate(timeout=180)
            assert process.returncode == 0, err
            said.append(out)
        return said
    finally:
        for process in running:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
