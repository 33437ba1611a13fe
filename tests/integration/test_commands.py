"""``ledger_series`` and ``ledger_period``: what they do, what scripts read from them, and how they refuse."""

import argparse
import json
import os
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, find_commands, load_command_class
from django.utils import timezone

import ledger.management
import workers.management
from ledger import close_period, define_series, errors, issue
from ledger.management.base import LedgerCommand
from ledger.management.commands import ledger_series
from ledger.models import Period, Series
from tests.databases import manage, manage_here

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def refused(*arguments: str, code: int = 1) -> str:
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    assert raised.value.returncode == code
    return str(raised.value)


def today() -> str:
    return timezone.now().date().isoformat()


class TestSeries:
    def test_create_takes_every_setting(self) -> None:
        settings = {
            "template": "R{fy_start:2}/{fy_end:2}-{counter:04}",
            "calendar": "fiscal-year",
            "fiscal_start": "04-01",
            "time_zone": "Asia/Kolkata",
            "allocation": "serial",
            "system": "books",
            "start_value": 100,
            "max_length": 20,
            "max_days_ahead": 30,
            "rules": "IN",
            "close_after_days": 30,
            "chronological": True,
            "early_release": True,
            "give_back": True,
            "is_active": False,
        }
        options = [
            part
            for name, value in settings.items()
            if not isinstance(value, bool)
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        switches = ("--chronological", "--early-release", "--no-active")
        document = run_json("ledger_series", "create", "bill", "--tenant", "acme", *options, *switches)
        series = Series.objects.get(tenant="acme", code="bill")
        assert document == {"id": series.pk, "tenant": "acme", "code": "bill", **settings, "holds_from": None}

    def test_create_changes_what_is_named_alone(self) -> None:
        text = run("ledger_series", "create", "bill", "--template", "B{year}-{counter:03}", "--chronological")
        assert f"next number: B{timezone.now().year}-001" in text
        run("ledger_series", "create", "bill", "--max-length", "12")
        series = Series.objects.get(code="bill")
        assert (series.template, series.max_length, series.chronological) == ("B{year}-{counter:03}", 12, True)
        run("ledger_series", "create", "bill", "--no-chronological")
        series.refresh_from_db()
        assert not series.chronological

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--template", "B-{counter:03}"], "year"),
            ([], "template"),
            (["--template", "B{year}-{counter}", "--time-zone", "Mars/Olympus"], "Mars/Olympus"),
            (["--template", "B{year}-{counter:03}", "--start-value", "-1"], "-1"),
        ],
    )
    def test_create_refuses_with_the_full_text(self, options: list[str], told: str) -> None:
        text = refused("ledger_series", "create", "bill", *options)
        names = [option.removeprefix("--").replace("-", "_") for option in options[::2]]
        values: list[Any] = [int(value) if value == "-1" else value for value in options[1::2]]
        with pytest.raises(errors.LedgerError) as raised:
            define_series("bill", **dict(zip(names, values, strict=True)))
        assert text == str(raised.value)
        assert told in text
        assert raised.value.remedy in text
        assert not Series.objects.exists()

    def test_list(self) -> None:
        define_series("bill", org="acme", template="B{year}-{counter:03}")
        define_series("note", org="zenith", template="N{year}-{counter:03}", is_active=False)
        lines = run("ledger_series", "list").splitlines()
        assert [line.split()[:2] for line in lines] == [["tenant", "code"], ["acme", "bill"], ["zenith", "note"]]
        assert lines[2].endswith("off")
        assert [series["code"] for series in run_json("ledger_series", "list")] == ["bill", "note"]
        assert [series["code"] for series in run_json("ledger_series", "list", "--tenant", "acme")] == ["bill"]

    def test_show(self) -> None:
        entry = issue("invoice", org="acme")
        document = run_json("ledger_series", "show", "invoice", "--tenant", "acme")
        year = timezone.now().year
        assert document["next_number"] == f"INV-{year}-000002"
        assert [(period["id"], period["last_value"]) for period in document["periods"]] == [(entry.period_id, 1)]
        text = run("ledger_series", "show", "invoice", "--tenant", "acme")
        assert f"next number: INV-{year}-000002" in text
        assert f"INV-{year}-000001  open" in text
        define_series("invoice", org="acme", is_active=False)
        assert "switched off" in run("ledger_series", "show", "invoice", "--tenant", "acme")

    def test_a_default_series_is_allocated_before_its_first_number(self) -> None:
        assert "takes its numbers by pooled now" in run("ledger_series", "allocate", "invoice", "pooled")
        assert Series.objects.get().allocation == "pooled"
        with pytest.raises(CommandError, match="no series 'nope'"):
            run("ledger_series", "allocate", "nope", "pooled")
        assert Series.objects.count() == 1

    def test_show_of_an_unknown_series(self) -> None:
        assert "'bill'" in refused("ledger_series", "show", "bill", code=2)


class TestPeriod:
    def test_open_on_a_day(self) -> None:
        document = run_json("ledger_period", "open", "invoice", "--tenant", "acme", "--on", "2031-05-05")
        assert (document["starts_on"], document["ends_on"]) == ("2031-01-01", "2031-12-31")
        assert (document["tenant"], document["code"], document["label"]) == (
            "acme",
            "invoice",
            "2031-01-01 to 2031-12-31",
        )
        assert Period.objects.get().pk == document["id"]

    def test_open_today_and_again(self) -> None:
        first = run_json("ledger_period", "open", "invoice")
        assert first["starts_on"] <= today() <= first["ends_on"]
        assert run_json("ledger_period", "open", "invoice") == first
        assert "first number INV-" in run("ledger_period", "open", "invoice")

    def test_open_an_explicit_one_with_its_first_value(self) -> None:
        define_series("bill", template="B{year}{month}{day}-{counter:03}", calendar="explicit")
        document = run_json(
            "ledger_period",
            "open",
            "bill",
            *("--starts-on", "2025-08-15", "--ends-on", "2025-12-31", "--first-value", "500"),
        )
        assert (document["prefix"], document["first_value"], document["last_value"]) == ("B20250815-", 500, 499)
        text = refused("ledger_period", "open", "bill", "--starts-on", "2025-12-31", "--ends-on", "2026-12-31")
        assert "overlaps 2025-08-15 to 2025-12-31" in text
        assert "No period" in refused("ledger_period", "open", "bill", "--on", "2030-01-01")

    @pytest.mark.parametrize(
        "options",
        [
            ["--starts-on", "2025-01-01"],
            ["--ends-on", "2025-01-01"],
            ["--on", "2025-01-01", "--starts-on", "2025-01-01", "--ends-on", "2025-01-02"],
            ["--first-value", "-1"],
        ],
    )
    def test_open_with_bad_options(self, options: list[str]) -> None:
        refused("ledger_period", "open", "invoice", *options, code=2)
        assert not Period.objects.exists()

    def test_an_unknown_series(self) -> None:
        for action in (["open"], ["close", "--on", "2025-01-01"]):
            assert "no series 'bill'" in refused("ledger_period", action[0], "bill", *action[1:])
        assert "no series 'invoice'" in refused("ledger_period", "close", "invoice", "--on", "2025-01-01")

    def test_close(self) -> None:
        entry = issue("invoice")
        assert "still runs" in refused("ledger_period", "close", "invoice", "--on", today())
        document = run_json("ledger_period", "close", "invoice", "--on", today(), "--early")
        assert document["closed_at"]
        assert run("ledger_period", "close", "invoice", "--on", today(), "--early").startswith("Closed: invoice")
        assert Period.objects.get(pk=entry.period_id).closed_at is not None
        text = refused("ledger_period", "close", "invoice", "--on", "1999-01-01")
        assert "holds 1999-01-01" in text

    def test_list(self) -> None:
        old = issue("invoice", on=timezone.now().date() - timedelta(days=400))
        close_period(old.period)
        issue("ticket", org="acme")
        documents = run_json("ledger_period", "list")
        assert [(period["tenant"], period["code"]) for period in documents] == [("", "invoice"), ("acme", "ticket")]
        assert [period["code"] for period in run_json("ledger_period", "list", "ticket")] == ["ticket"]
        lines = run("ledger_period", "list").splitlines()
        assert f"{old.number}  closed" in lines[1]
        assert "for ever" in lines[2]

    def test_ahead(self) -> None:
        define_series("daily", template="D{year}{month}{day}-{counter:03}", calendar="day")
        assert run_json("ledger_period", "ahead", "--days", "3") == {"opened": 4, "failed": []}
        assert "Opened 0 periods" in run("ledger_period", "ahead", "--days", "3")
        refused("ledger_period", "ahead", "--days", "-1", code=2)

    def test_ahead_names_what_it_could_not_open(self) -> None:
        define_series("a", template="X{year}-{counter:03}")
        define_series("b", template="{series}{year}-{counter:03}")
        Series.objects.filter(code="b").update(template="X{year}-{counter:04}")
        out = StringIO()
        with pytest.raises(CommandError) as raised:
            call_command("ledger_period", "ahead", "--days", "0", "--json", stdout=out)
        assert raised.value.returncode == 1
        document = json.loads(out.getvalue())
        assert document["opened"] == 1
        assert [failure["series"] for failure in document["failed"]] == ["b"]


def test_who_runs_a_command_is_who_says_so() -> None:
    """By default, wherever ``--by`` says who."""
    for package in (ledger.management, workers.management):
        for name in find_commands(package.__path__[0]):
            parsers = [load_command_class(package.__name__.partition(".")[0], name).create_parser("manage.py", name)]
            for parser in parsers:
                groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
                parsers += {sub for group in groups for sub in group.choices.values()}
                helps = [str(action.help) for action in parser._actions if "--by" in action.option_strings]
                assert all("who runs the command" in told for told in helps), parser.prog


@pytest.mark.parametrize("command", ["ledger_series", "ledger_period", "ledger_verify", "ledger_grants"])
def test_help_and_exit_codes(command: str) -> None:
    done = manage_here(command, "--help")
    assert done.returncode == 0
    assert f"examples:\n  manage.py {command}" in done.stdout
    done = manage_here(command, "--no-such-option")
    assert done.returncode == 2


def test_refusals_in_a_shell(plain_database: str) -> None:
    done = manage("ledger_series", "create", "bill", "--template", "B-{counter:03}", url=plain_database)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CommandError: ")
    assert "Traceback" not in done.stderr
    done = manage("ledger_period", "open", "invoice", "--on", "tomorrow", url=plain_database)
    assert done.returncode == 2
    assert "YYYY-MM-DD" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "ledger_documents --tenant acne",
        "ledger_gaps --series invocie --tenant acme",
        "ledger_gaps sweep --tenant acne",
        "ledger_period list invocie",
        "ledger_period list --tenant acne",
        "ledger_ranges list invocie",
        "ledger_series list --tenant acne",
        "ledger_status --series invocie",
    ],
)
def test_a_misspelt_name_is_no_good_news(command: str) -> None:
    issue("invoice", org="acme")
    assert "There are invoice; manage.py ledger_series list shows all." in refused(*command.split(), code=2)


def test_a_role_a_home_and_a_format_that_are_not_there() -> None:
    who = ("--role", "nobody_there", "--purpose", "checkout", "--apply")
    assert "There is no role 'nobody_there'." in refused("ledger_grants", *who)
    assert "LEDGER['HOMES'] names 'nowhere'" in refused("ledger_home", "move", "acme", "nowhere")
    for action in ("stay", "drop"):
        assert "LEDGER['HOMES'] names 'nowhere'" in refused("ledger_home", action, "acme", "nowhere")
    assert "No format ends with .docx" in refused("ledger_report", "--output", "report.docx", code=2)


def test_ctrl_c_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def handle(self: LedgerCommand, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LedgerCommand, "handle", handle)
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)
    with pytest.raises(SystemExit) as ended:
        ledger_series.Command().run_from_argv(["manage.py", "ledger_series", "list"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Interrupted. What was committed stays; all else was rolled back.\n"


@pytest.mark.parametrize("arguments", [("ledger_sweep", "--status"), ("ledger_series", "list", "--json")])
def test_a_reader_that_stops_reading(plain_database: str, arguments: tuple[str, ...]) -> None:
    """As in `manage.py … | head -1`: no traceback, and the exit code that a shell gives to SIGPIPE."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = manage(*arguments, url=plain_database, stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")
