"""The runner of the examples notices mistakes in them, and says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.docs import comparing, exceptions, reading
from tests.docs.console import typed
from tests.docs.newcomer import Mismatch, Newcomer
from tests.docs.reading import Block, blocks_in
from tests.docs.running import Runner
from tests.docs.test_examples import wrong_in

PAGE = "docs/a-page.md"


def page(text: str) -> list[Block]:
    """The blocks of a page with this text, in which ~ stands for a back-tick."""
    return list(blocks_in(text.replace("~", "`"), PAGE))


def mistakes(tmp_path: Path, text: str) -> list[str]:
    """The mistakes in that page."""
    return wrong_in(page(text), Runner(tmp_path))


class TestReading:
    def test_blocks_know_their_lines_wherever_they_stand(self) -> None:
        found = page("# A\n\n~~~python\na = 1\n~~~\n\n- b\n\n  ~~~json\n  {}\n  ~~~\n")
        assert [(str(block), block.language) for block in found] == [(f"{PAGE}:4", "python"), (f"{PAGE}:10", "json")]

    def test_directives_of_myst(self) -> None:
        found = page("~~~{code-block} python\n:caption: x\n\na = 1\n~~~\n\n~~~~{note}\nSee\n~~~json\n{}\n~~~\n~~~~\n")
        assert [(block.line, block.language, block.text) for block in found] == [
            (4, "python", "a = 1\n"),
            (10, "json", "{}\n"),
        ]

    @pytest.mark.parametrize(
        ("first", "file", "end"),
        [
            ("# shop/models.py", "shop/models.py", False),
            ("# bakery/settings.py, at the end", "bakery/settings.py", True),
            ("# settings.py: what you change", "settings.py", False),
            ("# a comment about models.py", None, False),
            ("from shop import models", None, False),
        ],
    )
    def test_a_block_may_name_its_file(self, first: str, file: str | None, end: bool) -> None:
        (block,) = page(f"~~~python\n{first}\nb = 2\n~~~\n")
        assert (block.file, block.is_the_end_of_its_file) == (file, end)

    def test_the_year_of_the_pages_is_this_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "YEAR_OF_THE_PAGES", int(reading.this_year("2026")) - 3)
        before, now, after = (int(reading.this_year("2026")) + shift for shift in (-4, -3, -2))
        assert (
            reading.this_year(f"R{now}/{after}-0001 {before} 1{now}") == f"R{now + 3}/{after + 3}-0001 {now + 2} 1{now}"
        )

    def test_consoles(self) -> None:
        (block,) = page(
            "~~~console\n$ a \\\n  b  # one\n     # two\nc\n$ d\n>>> 1\n1\n>>> if 2:\n...     3\n...\n3\n~~~\n"
        )
        one, two = typed(block)
        assert (one.text, one.line, one.shown) == ("a \\\n  b  # one", 2, "c\n")
        assert [(part.text, part.line, part.shown) for part in two.session] == [
            ("1\n", 7, "1\n"),
            ("if 2:\n    3\n", 9, "3\n"),
        ]

    def test_a_console_begins_with_a_command(self) -> None:
        (block,) = page("~~~console\nls\n~~~\n")
        with pytest.raises(ValueError, match=rf"{PAGE}:2: .* begins with"):
            typed(block)


class TestComparing:
    @pytest.mark.parametrize(
        ("shown", "came"),
        [
            ("a\n…\nb\n", "a\nb\n"),
            ("a\n  …\nb\n", "a\nx\ny\nb\n\n"),
            ("… checks found nothing.", "15 checks found nothing."),
            ("since 2026-11-21 17:42:42", "since 2027-01-02 03:04:05.678+00:00"),
            ("a", "\ufeffa   \n"),
        ],
    )
    def test_what_may_differ(self, shown: str, came: str) -> None:
        assert comparing.same(shown, came)

    @pytest.mark.parametrize(
        ("shown", "came"),
        [
            ("INV-2026-000001", "INV-2026-000002"),
            ("", "a"),
            ("a", "a\nb"),
            ("a\n…\nb", "a\nx"),
            ("a b", "a  b"),
            ("on 2026-11-21", "on Saturday"),
            ("... OK", "no OK"),
        ],
    )
    def test_what_may_not(self, shown: str, came: str) -> None:
        assert not comparing.same(shown, came)


#: A block with a mistake in it, and how the message about it begins.
WRONG = [
    ("~~~python\na = 1\nraise ValueError(a)\n~~~", f"{PAGE}:3: ValueError: 1"),
    ("~~~python\na =\n~~~", f"{PAGE}:2: SyntaxError"),
    ("~~~python\nfrom ledger import issue\n\nissue('invoice')\n~~~", f"{PAGE}:4: TransactionRequired"),
    ("~~~python\nb = 2  # b == 3\n~~~", f"{PAGE}:2: b == 3 is not true: 2"),
    ("~~~python\ndef f():\n    return order, nobody\n~~~", f"{PAGE}:3: nobody knows the name 'nobody'"),
    ("~~~python\nfrom unittest import TestCase\nclass T(TestCase):\n    pass\n~~~", f"{PAGE}:2: T: it has no tests"),
    ("~~~python\nINSTALLED_APPS += ['ledgre']\n~~~", f"{PAGE}:2: manage.py check says"),
    ("~~~python\n# urls.py\nurlpatterns += [path('', include('ledger.urls'))]\n~~~", f"{PAGE}:2: manage.py check"),
    ("~~~console\n$ python manage.py ledger_gpas\n~~~", f"{PAGE}:2: `python manage.py ledger_gpas` ended with"),
    ("~~~console\n$ python manage.py ledger_gaps --bad\n~~~", f"{PAGE}:2: `python manage.py ledger_gaps --bad`"),
    ("~~~console\n$ python manage.py ledger_series list\ntenant\n~~~", f"{PAGE}:2: $ python manage.py"),
    ("~~~console\n$ python manage.py ledger_series list | false\n~~~", f"{PAGE}:2: `python manage.py"),
    ("~~~console\n$ frobnicate\n~~~", f"{PAGE}:2: nobody knows how to run `frobnicate`"),
    ("~~~sql\nSELECT nothing FROM ledger_entry\n~~~", f"{PAGE}:2: ProgrammingError"),
    ("~~~json\n{'a': 1}\n~~~", f"{PAGE}:2: JSONDecodeError"),
    ("~~~toml\na = \n~~~", f"{PAGE}:2: TOMLDecodeError"),
    ("~~~yaml\na: [\n~~~", f"{PAGE}:2: ParserError"),
    ("~~~html\n<p>{% if %}\n~~~", f"{PAGE}:2: TemplateSyntaxError"),
    ("~~~html\n<p></b></p>\n~~~", f"{PAGE}:2: HTMLParseError"),
    ("~~~cobol\nSTOP RUN.\n~~~", f"{PAGE}:2: nobody knows how to run a block of the language 'cobol'"),
    ("~~~\nwhat?\n~~~", f"{PAGE}:2: nobody knows how to run a block of the language ''"),
]


@pytest.mark.django_db(transaction=True)
class TestExamples:
    def test_what_is_wrong_is_told_with_page_and_line(self, tmp_path: Path) -> None:
        """In one page after the other, with one database for all of them."""
        for number, (text, place) in enumerate(WRONG):
            call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
            folder = tmp_path / str(number)
            folder.mkdir()
            (wrong,) = mistakes(folder, text)
            assert wrong.startswith(place), text

    def test_what_is_right_is_run(self, tmp_path: Path) -> None:
        text = (
            "~~~python\nfrom django.db import transaction\nfrom ledger import issue\n\nwith transaction.atomic():\n"
            "    number = issue('invoice', document=order)  # str(number) == 'INV-2026-000001'\n~~~\n\n"
            "~~~console\n$ python manage.py ledger_series list\n"
            "tenant  code     template                 calendar  time zone  allocation\n"
            "        invoice  INV-{year}-{counter:06}  year      UTC        serial\n~~~\n\n"
            "~~~sql\nSELECT number FROM ledger_entry WHERE number LIKE 'INV-%'\n~~~\n"
        )
        runner = Runner(tmp_path)
        assert wrong_in(page(text), runner) == []
        assert runner.names["number"].value == 1


class TestExceptions:
    def test_a_command_does_not_take_its_neighbours_along(self) -> None:
        (block,) = page("~~~console\n$ pip install 'django-folio[cli]'\n$ python manage.py migrate\n~~~\n")
        assert exceptions.of(block) is None
        commands = [Block(PAGE, each.line, "console", each.text) for each in typed(block)]
        assert [exceptions.of(command) is not None for command in commands] == [True, False]
        line = exceptions.NotRun("*", "pip install", "a pattern that is found anywhere")
        assert not line.means(block)
        assert line.means(commands[0])

    @pytest.mark.parametrize("command", ["pip install django-folio", "pip install 'django-folio[nonsense]'"])
    def test_an_extra_that_is_none(self, command: str) -> None:
        with pytest.raises(AssertionError):
            exceptions.extras_exist(command)

    def test_a_target_that_is_none(self) -> None:
        exceptions.target_exists("make storm SECONDS=3  # a comment")
        with pytest.raises(AssertionError, match="nonsense"):
            exceptions.target_exists("make nonsense")


class TestNewcomer:
    @pytest.fixture
    def newcomer(self, tmp_path: Path) -> Iterator[Newcomer]:
        with Newcomer(tmp_path, {}) as someone:
            yield someone

    def follow(self, newcomer: Newcomer, text: str) -> None:
        for block in page(text):
            newcomer.follow(block)

    def test_a_page_as_it_should_be(self, newcomer: Newcomer) -> None:
        self.follow(
            newcomer,
            "~~~console\n$ mkdir a && cd a\n~~~\n~~~python\n# b.py\nprint('c')\n~~~\n"
            "~~~python\n# b.py, at the end\nprint('d')\n~~~\n~~~console\n$ python3 b.py\nc\nd\n~~~\n",
        )
        assert (newcomer.folder / "a" / "b.py").exists()

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("~~~console\n$ true\n$ echo 1\n2\n~~~", f"{PAGE}:3: \\$ echo 1"),
            ("~~~console\n$ echo 1\n~~~", f"{PAGE}:2: \\$ echo 1"),
            ("~~~console\n$ false\n~~~", f"{PAGE}:2: `false` ended with exit code 1"),
            ("~~~python\nprint(1)\n~~~", f"{PAGE}:2: .* doesn't know where this goes"),
            ("~~~python\n# b.py, at the end\nprint(1)\n~~~", f"{PAGE}:2: there is no b.py"),
            ("~~~python\n# a/b.py\nprint(1)\n~~~", f"{PAGE}:2: there is no folder for a/b.py"),
        ],
    )
    def test_what_is_wrong_is_told_with_page_and_line(self, newcomer: Newcomer, text: str, place: str) -> None:
        with pytest.raises(Mismatch, match=f"^{place}"):
            self.follow(newcomer, text)
