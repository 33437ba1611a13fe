"""Every example of README.md and of the pages under docs/, run as a reader would (see ``tests.docs.running``)."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.docs import exceptions
from tests.docs.console import typed
from tests.docs.newcomer import Mismatch
from tests.docs.reading import Block, blocks, pages
from tests.docs.running import Runner, drop_tables
from tests.docs.scenes import scene_of, unused

#: Followed from end to end, by a newcomer (test_tutorial.py).
TUTORIAL = "docs/tutorial.md"
PAGES = [page for page in pages() if page != TUTORIAL and blocks(page)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.django_db(transaction=True)
def test_examples(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = [block for block in blocks(page) if exceptions.of(block) is None]
    wrong = wrong_in(run, Runner(tmp_path))
    assert not wrong, "\n\n".join([f"{len(wrong)} examples of {page} are not as the page has them:", *wrong])


def wrong_in(run: list[Block], runner: Runner) -> list[str]:
    """The mistakes in these blocks of one page, each with page and line; the blocks are run in their scenes."""
    wrong: list[str] = []
    for number, (scene, part) in enumerate(groupby(run, key=scene_of)):
        if number:
            call_command("flush", verbosity=0, interactive=False)
        try:
            with ExitStack() as stage:
                stage.callback(drop_tables)
                stage.enter_context(scene(runner.names, runner.folder))
                for block in part:
                    try:
                        runner.run(block)
                    except Mismatch as mismatch:
                        wrong.append(str(mismatch))
        except Exception as error:
            # A scene expects something of its examples; where one of them failed, that has been told.
            if not wrong:
                raise AssertionError(f"after the examples of {run[0].page}, in {scene.__name__}: {error!r}") from error
    return wrong + runner.strangers()


def everything() -> list[Block]:
    """Each block, and each command of the console blocks."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            found.append(block)
            if block.language == "console":
                found += [Block(page, command.line, "console", command.text) for command in typed(block)]
    return found


@pytest.mark.parametrize("line", exceptions.NOT_RUN, ids=lambda line: f"{line.page} {line.text}")
def test_no_exception_is_stale(line: exceptions.NotRun) -> None:
    """Each exception is about something that exists, and what is checked instead is right."""
    meant = [block for block in everything() if line.means(block)]
    assert meant, "nothing is like this any more: delete the line"
    assert line.reason
    if line.instead is not None:
        for command in meant:
            line.instead(command.text)


@pytest.mark.parametrize("line", exceptions.EXITS, ids=lambda line: f"{line.page} {line.text}")
def test_no_exit_code_is_stale(line: exceptions.Exit) -> None:
    assert any(line.means(block) for block in everything())
    assert line.reason


def test_no_scene_is_stale() -> None:
    run = [block for page in PAGES for block in blocks(page) if exceptions.of(block) is None]
    assert unused(run) == []
