"""Somebody who has never seen Folio, and does what a page says, in an empty folder and a shell of their own.

What is typed is run as it stands, in one bash, so that ``cd`` and ``source`` last; what is shown must be what comes out
(``comparing``), and where nothing is shown, nothing may come out. Two things differ from a newcomer's machine:

- ``pip install`` gets the wheel that was built of this tree, and its dependencies in the versions of the tests;
- ``runserver`` listens on a port that is free, in the background, until the newcomer leaves.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests import ctrl_c
from tests.docs import comparing
from tests.docs.console import Typed, typed
from tests.docs.reading import YEAR_OF_THE_PAGES, Block, this_year

#: How long one command may take: many times what the slowest one does.
PATIENCE = 300.0

#: What stands between the answers to two statements, or after the last line of a command.
_MARK = "\x1e"

#: Types statements into the shell of Python that it runs in, as somebody at its prompt would.
_TYPIST = """
import code as _code, json as _json
_prompt = _code.InteractiveInterpreter(globals())
for _statement in _json.loads({statements!r}):
    print({mark!r}, end="", flush=True)
    _end = "\\n\\n" if _statement.count("\\n") > 1 else "\\n"
    if _prompt.runsource(_statement.rstrip("\\n") + _end, symbol="single"):
        print("... (the statement is not complete)", flush=True)
"""


class Mismatch(AssertionError):
    """Something else happened than the page says. The text names page and line."""


@dataclass(slots=True)
class Newcomer:
    """Follows a page's blocks in ``folder``; ``environment`` is added to a clean one. To be used as a context."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    #: Where the page's ``http://127.0.0.1:8000`` is, once ``runserver`` runs.
    site: str = ""
    #: Where the page and the events differed, if the caller has noted it.
    trouble: str = ""
    _shell: subprocess.Popen[bytes] = field(init=False)
    _server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Newcomer:
        tools = self.folder / ".tools"
        tools.mkdir()
        # `python3` is the Python of the tests, whatever this machine calls by that name.
        (tools / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
        dropped = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL", "FOLIO_HOME", "VIRTUAL_ENV", "PYTHONHOME"}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": f"{tools}:{kept['PATH']}", **self.environment}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        try:
            self._shell.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._shell.stdout.close()

    def follow(self, block: Block) -> None:
        """Do what the block says. Raises Mismatch if the result differs from the page."""
        block = block.this_year()
        if block.language == "console":
            for command in typed(block):
                self._type(block.page, command)
        elif block.file is not None:
            self._write(block)
        elif block.language != "text":
            raise Mismatch(f"{block}: a newcomer doesn't know where this goes. Name the file in the first line.")

    def leave(self) -> None:
        """Press Ctrl-C in the server's terminal."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGINT)
            self._server.wait(PATIENCE)
            self._server = None

    @property
    def year(self) -> str:
        """What stands for the year of the page today."""
        return this_year(str(YEAR_OF_THE_PAGES))

    def _write(self, block: Block) -> None:
        path = self._here() / str(block.file)
        if block.is_the_end_of_its_file:
            if not path.exists():
                raise Mismatch(f"{block}: there is no {block.file} to add this to the end of.")
            with path.open("a", encoding="utf-8") as file:
                file.write("\n" + block.text)
        else:
            if not path.parent.is_dir():
                raise Mismatch(f"{block}: there is no folder for {block.file}.")
            path.write_text(block.text, encoding="utf-8")

    def _here(self) -> Path:
        return Path(self._run("pwd")[0].strip())

    def _type(self, page: str, command: Typed) -> None:
        place = f"{page}:{command.line}"
        if "manage.py runserver" in command.text:
            self._serve(place, command.text)
            return
        if command.session:
            self._converse(page, command)
            return
        came, code = self._run(command.text)
        self._compare(place, f"$ {command.text}", command.shown, came)
        if code and not re.search(r"^\w*Error\b", came, re.MULTILINE):
            raise Mismatch(f"{place}: `{command.text}` ended with exit code {code}, which the page doesn't show.")

    def _converse(self, page: str, command: Typed) -> None:
        sources = [self.told(statement.text) for statement in command.session]
        typist = _TYPIST.format(statements=json.dumps(sources), mark=_MARK)
        came, code = self._run(f"{command.text} -c {shlex.quote(typist)}")
        answers = came.split(_MARK)[1:]
        if code or len(answers) != len(command.session):
            raise Mismatch(f"{page}:{command.line}: `{command.text}` ended with exit code {code}:\n{came}")
        for statement, answer in zip(command.session, answers, strict=True):
            self._compare(f"{page}:{statement.line}", f">>> {statement.text}", statement.shown, answer)

    def _compare(self, place: str, what: str, shown: str, came: str) -> None:
        if not comparing.same(shown, came):
            raise Mismatch(f"{place}: {what.strip()}\n{comparing.difference(shown, came)}")

    def _run(self, command: str) -> tuple[str, int]:
        """Its output, on both channels, and its exit code."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        # Not in a subshell, so that `cd` lasts; and without the shell's own input, which holds the commands to come.
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null; printf '\\035%d\\035' $?\n".encode())
        self._shell.stdin.flush()
        came = b""
        deadline = time.monotonic() + PATIENCE
        while not (ended := re.search(rb"\x1d(\d+)\x1d\Z", came)):
            if not select.select([self._shell.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Mismatch(f"`{command}` took longer than {PATIENCE:g} s. So far:\n{came.decode()}")
            more = os.read(self._shell.stdout.fileno(), 65536)
            if not more:
                raise Mismatch(f"`{command}` ended the shell:\n{came.decode()}")
            came += more
        return came[: ended.start()].decode().replace("\r\n", "\n"), int(ended[1])

    def told(self, text: str) -> str:
        """``text`` with the address of the page's server replaced by this server's."""
        return text.replace("http://127.0.0.1:8000", self.site) if self.site else text

    def _serve(self, place: str, command: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        python = self._run("command -v python")[0].strip()
        log = self.folder / "runserver.log"
        with log.open("wb") as file, ctrl_c.heard():
            self._server = subprocess.Popen(
                [python, *shlex.split(command, comments=True)[1:], f"127.0.0.1:{port}"],
                cwd=self._here(),
                env=self.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not _listens(port):
            time.sleep(0.05)
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise Mismatch(f"{place}: `{command}` doesn't serve:\n{log.read_text(encoding='utf-8')}")
        self.site = f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
