"""Acts are the same in every interface: all or nothing, once, with a name; and times are shown with their offset."""

from __future__ import annotations

import argparse
import getpass
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import models, transaction
from django.test import Client
from django.urls import reverse

from ledger import (
    close_period,
    define_series,
    errors as e,
    issue,
    issue_many,
    open_next_periods,
    open_period,
    preview,
    void,
)
from ledger.actions import acknowledge, change_allocation, declare, explain, flag_lost, skip_taken
from ledger.calendars import zone
from ledger.gaps import find, flagged_gaps, undeclared
from ledger.models import (
    Adoption,
    Entry,
    FindingAcknowledged,
    FindingRaised,
    GapExplained,
    NumberVoided,
    Period,
    PeriodChanged,
    Series,
    SeriesChanged,
)
from ledger.reports.continuity import summarise
from ledger.verification import verify
from ledger.zones import today_in
from tests.integration.pages import Shop, shop
from tests.integration.poison import folios_models

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 1)


@pytest.fixture
def berlin() -> Shop:
    """Two gaps, the second one unexplained, and a finding."""
    return shop("berlin", "B")


class TestAllOrNone:
    def test_a_typo_in_one_of_many_explains_none(self, berlin: Shop) -> None:
        said = GapExplained.objects.count()
        with pytest.raises(CommandError) as ended:
            call_command(
                *("ledger_gaps", "explain", "B-2026-0005", "B-2026-0l5", "B-2026-0009", "B-2026-0001"),
                *("--tenant", "berlin", "--reason", "card refused"),
            )
        assert ended.value.returncode == 1
        told = str(ended.value)
        assert "'B-2026-0l5'" in told
        assert "'B-2026-0001' of tenant 'berlin' is issued" in told, "all that were refused are told"
        assert "Nothing was written" in told
        assert GapExplained.objects.count() == said

    def test_a_typo_in_one_of_many_acknowledges_none(self, berlin: Shop) -> None:
        with pytest.raises(CommandError, match="There is no finding 0"):
            call_command("ledger_reconcile", "acknowledge", str(berlin.finding.pk), "0", "--reason", "by hand")
        assert not FindingAcknowledged.objects.exists()

    def test_a_second_run_writes_nothing(self, berlin: Shop, capsys: pytest.CaptureFixture[str]) -> None:
        explaining = ("ledger_gaps", "explain", "B-2026-0005", "B-2026-0009", "--tenant", "berlin", "--reason", "why")
        acknowledging = ("ledger_reconcile", "acknowledge", str(berlin.finding.pk), "--reason", "by hand")
        ids = []
        for _ in range(2):
            call_command(*explaining, "--json")
            ids.append([event["id"] for event in json.loads(capsys.readouterr().out)])
            call_command(*acknowledging)
            capsys.readouterr()
        assert ids[0] == ids[1]
        assert GapExplained.objects.filter(explanation="why").count() == 2
        assert FindingAcknowledged.objects.count() == 1

    def test_another_word_or_another_person_is_another_event(self, berlin: Shop) -> None:
        gap, entry = berlin.gaps[1], berlin.entries[0]
        for reason, by in (("first", "ann"), ("second", "ann"), ("second", "bob"), ("first", "ann")):
            assert not explain(gap, explanation=reason, by=by).repeated
            assert explain(gap, explanation=reason, by=by).repeated
            assert not acknowledge(berlin.finding, reason=reason, by=by).repeated
            assert acknowledge(berlin.finding, reason=reason, by=by).repeated
        assert GapExplained.objects.filter(entry=gap).count() == 4
        first = void(entry, reason="returned", by="ann", replacement="order:18")
        again = void(entry, reason="returned", by="ann", replacement="order:18")
        assert (again, again.repeated, first.repeated) == (first, True, False)
        for other in ({"by": "bob"}, {"replacement": "order:19"}, {"reason": "lost"}):
            with pytest.raises(e.AlreadyVoided, match="by ann: returned"):
                void(entry, **{"reason": "returned", "by": "ann", "replacement": "order:18", **other})


class TestWhoActs:
    @pytest.fixture(autouse=True)
    def whoami(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(getpass, "getuser", lambda: "os-user")

    @pytest.mark.parametrize(("by", "who"), [((), "os-user"), (("--by", "ada"), "ada")], ids=["os", "by"])
    def test_commands_keep_who_acts(self, berlin: Shop, by: tuple[str, ...], who: str, tmp_path: Path) -> None:
        whose = ("--tenant", "berlin")

        def latest(model: type[models.Model]) -> Any:
            return model._base_manager.latest("pk")

        call_command("ledger_series", "create", "invoice", *whose, "--max-length", "50", *by)
        assert latest(SeriesChanged).actor == who
        call_command("ledger_gaps", "explain", "B-2026-0009", *whose, "--reason", "card refused", *by)
        assert latest(GapExplained).actor == who
        call_command("ledger_reconcile", "acknowledge", str(berlin.finding.pk), "--reason", "by hand", *by)
        assert latest(FindingAcknowledged).actor == who
        call_command("ledger_series", "allocate", "invoice", "reserved", *whose, *by)
        assert latest(SeriesChanged).actor == who
        with transaction.atomic():
            str(issue(berlin.series, on=DAY))
            transaction.set_rollback(True)
        call_command("ledger_period", "close", "invoice", *whose, "--on", "2026-03-01", "--early", *by)
        assert latest(PeriodChanged).actor == who
        old = tmp_path / "old.csv"
        old.write_text("number,issued_at\nOLD-1,2025-01-01\n")
        call_command(
            *("ledger_adopt", str(old), "--series", "old", *whose, "--template", "OLD-{counter}", "--apply"),
            *("--calendar", "never", "--time-zone", "UTC", *by),
        )
        assert latest(Adoption).actor == who
        Period.objects.filter(series__code="old").update(last_value=2)
        with pytest.raises(CommandError):  # gaps are to be explained
            call_command("ledger_gaps", "sweep", *whose, "--flag-lost", *by)
        assert Entry.objects.get(series__code="old", kind="gap").actor == who

    def test_a_user_without_a_name(self, berlin: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a container."""

        def nobody() -> str:
            raise KeyError("getpwuid(): uid not found: 4711")

        monkeypatch.setattr(getpass, "getuser", nobody)
        call_command("ledger_gaps", "explain", "B-2026-0009", "--tenant", "berlin", "--reason", "card refused")
        assert GapExplained.objects.latest("pk").actor.startswith("uid ")


#: A time of the day, and what follows it unless it names its offset.
_NO_OFFSET = re.compile(
    r"(?<![\d:+-])\d\d:\d\d(?::\d\d(?:\.\d+)?)?+(?![\d:])(?!\s?[+-]\d\d:\d\d)|\d [ap]\.m\.|noon|midnight"
)


class TestTimes:
    def test_the_pattern(self) -> None:
        assert _NO_OFFSET.search("2026-03-01 10:00:00")
        assert _NO_OFFSET.search("March 1, 2026, 10:00 a.m.")
        assert not _NO_OFFSET.search("2026-03-01 10:00:00+05:30")

    def test_commands(self, berlin: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Each that shows times, with the series' own offset."""
        define_series(berlin.series, time_zone="Asia/Kolkata")
        close_period(berlin.period, early=True)
        call_command("ledger_period", "list")
        call_command("ledger_series", "show", "invoice", "--tenant", "berlin")
        for command in (("ledger_gaps",), ("ledger_status",), ("ledger_sweep", "heal"), ("ledger_sweep", "--status")):
            with pytest.raises(CommandError) as ended:
                call_command(*command)
            print(ended.value)
        with pytest.raises(e.PeriodClosed) as closed, transaction.atomic():
            issue(berlin.series, on=DAY)
        with pytest.raises(e.AlreadyVoided) as twice:
            void(berlin.entries[1], reason="again")
        told = f"{capsys.readouterr().out}{closed.value}{twice.value}"
        assert not _NO_OFFSET.findall(told)
        assert told.count("+05:30") >= 5

    def test_the_admin(self, berlin: Shop) -> None:
        """Every moment that a list or the page of a row shows, of every model."""
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        seen = 0
        for model in folios_models():
            if model not in admin.site._registry:
                continue
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            pages = [client.get(reverse(f"{name}_changelist")).content.decode()]
            pages += [
                client.get(reverse(f"{name}_change", args=[row.pk])).content.decode()
                for row in model._base_manager.all()[:1]
            ]
            for page in pages:
                content = re.sub(r"<[^>]*>", " ", page.partition('id="content"')[2])
                assert not _NO_OFFSET.findall(content), (model, content)
                seen += len(re.findall(r"\d\d:\d\d:\d\d[+-]\d\d:\d\d", content))
        assert seen > 20

    def test_the_admin_in_the_zone_of_the_series(self, berlin: Shop) -> None:
        define_series(berlin.series, time_zone="Asia/Kolkata")
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        there = berlin.entries[0].issued_at.astimezone(zone("Asia/Kolkata")).isoformat(sep=" ", timespec="seconds")
        for page in (("changelist", []), ("change", [berlin.entries[0].pk])):
            content = client.get(reverse(f"admin:ledger_entry_{page[0]}", args=page[1])).content.decode()
            assert there in content, page

    @pytest.mark.parametrize("name", ["Etc/GMT+12", "Etc/GMT-14", "UTC"])
    def test_the_overview_takes_the_day_of_each_series(self, name: str) -> None:
        """At any moment, one of the two ends of the world has another day than UTC."""
        series = define_series("invoice", template="I-{year}{month}{day}-{counter}", calendar="day", time_zone=name)
        before = today_in(name, "default")
        for days in range(-3, 4):
            open_period(series, before + timedelta(days))
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        said = client.get("/ledger/").content.decode()
        shown = {day for day in (before, today_in(name, "default")) if f"I-{day:%Y%m%d}-1" in said}
        assert shown, said

    def test_pages_show_moments_in_the_zone_of_the_series(self, berlin: Shop) -> None:
        define_series(berlin.series, time_zone="Asia/Kolkata")
        close_period(berlin.period, early=True)
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        period = f"/ledger/period/{berlin.period.pk}"
        for page in (f"/ledger/series/{berlin.series.pk}/", f"{period}/", f"{period}/2/"):
            said = re.sub(r"<[^>]*>", " ", client.get(page).content.decode())
            assert "+05:30" in said, page
            assert not _NO_OFFSET.findall(said), page


class TestDjangosOptions:
    @pytest.mark.parametrize(
        "name", sorted(name for name, app in get_commands().items() if app in ("ledger", "workers"))
    )
    def test_after_a_subcommand_too(self, name: str) -> None:
        command = load_command_class(get_commands()[name], name)
        parser = command.create_parser("manage.py", name)
        subparsers = [
            sub
            for action in parser._actions
            if isinstance(action, argparse._SubParsersAction)
            for sub in action.choices.values()
        ]
        for sub in subparsers:
            for action in sub._actions:
                action.required = False
            given = sub.parse_known_args(["-v", "2", "--settings", "x", "--no-color", "--traceback"])[0]
            assert (given.verbosity, given.settings, given.no_color, given.traceback) == (2, "x", True, True)
            assert "verbosity" not in vars(sub.parse_known_args([])[0]), "what stands before the subcommand holds"

    def test_for_real(self, capsys: pytest.CaptureFixture[str]) -> None:
        define_series("invoice", template="I-{year}-{counter}", time_zone="UTC")
        call_command("ledger_series", "list", "--settings=tests.settings", "-v", "2", "--no-color")
        assert "I-{year}" in capsys.readouterr().out


class TestOddOptions:
    @pytest.mark.parametrize("odd", ["a\x00b", "\ud800"], ids=["NUL", "half a character"])
    @pytest.mark.parametrize(
        "command",
        [
            "ledger_gaps --tenant {}",
            "ledger_gaps explain {} --reason why",
            "ledger_gaps skip invoice --by {}",
            "ledger_status --series {}",
            "ledger_verify --tenant {}",
            "ledger_rules --tenant {}",
            "ledger_report --tenant {} --format json",
            "ledger_series show {}",
            "ledger_series list --tenant {}",
            "ledger_period list --tenant {}",
            "ledger_grants --role {} --purpose checkout",
            "ledger_sweep {}",
            "ledger_reconcile findings --system {}",
        ],
    )
    def test_characters_that_no_text_can_have(self, command: str, odd: str) -> None:
        with pytest.raises(CommandError, match="no text can have") as ended:
            call_command(*(word.format(odd) for word in command.split()))
        assert ended.value.returncode == 2
        str(ended.value).encode()

    @pytest.mark.parametrize(
        "command",
        [
            *(f"ledger_gaps --grace {odd}" for odd in ("nan", "inf", "1e300", "x")),
            *(f"ledger_series allocate invoice serial --wait {odd}" for odd in ("nan", "inf", "1e300", "-1")),
            *(f"ledger_period ahead --days {odd}" for odd in ("9" * 20, "9" * 5000, "4000000", "-1")),
            *(f"ledger_period open invoice --first-value {odd}" for odd in (2**63 - 1, 2**63, "9" * 5000)),
            "ledger_reconcile acknowledge 99999999999999999999 --reason why",
        ],
        ids=lambda command: command[:50],
    )
    def test_numbers_out_of_bounds(self, command: str) -> None:
        define_series("invoice", template="I-{year}-{counter}", max_length=20, time_zone="UTC")
        with pytest.raises(CommandError):
            call_command(*command.split())

    @pytest.mark.parametrize("odd", ["nan", "inf", "1e300", "-1"])
    def test_days_out_of_bounds(self, odd: str) -> None:
        with pytest.raises(CommandError, match="invalid days value"):
            call_command("ledger_books", "books.csv", "--system", "books", f"--grace={odd}")
        assert not Period.objects.exists()


class TestNames:
    def test_an_instance_or_its_name(self, berlin: Shop) -> None:
        series = Series.objects.get(tenant="berlin")
        with transaction.atomic():
            assert str(issue(series, on=DAY)) == "B-2026-0011"
            assert str(issue_many(series, documents=["a"], on=DAY)[0]) == "B-2026-0012"
            assert str(issue(define_series("other", template="O-{year}-{counter}"), on=DAY)) == "O-2026-1"
        assert preview(series, on=DAY) == preview("invoice", org="berlin", on=DAY) == "B-2026-0013"
        assert define_series(series, max_length=50).max_length == 50
        assert open_period("invoice", date(2027, 1, 1), org="berlin") == open_period(series, date(2027, 6, 1))
        assert open_next_periods(series=[series])["failed"] == []
        assert open_next_periods(series=[series.pk])["failed"] == []
        assert len(list(flagged_gaps(series=series))) == len(list(flagged_gaps(org="berlin", series="invoice"))) == 2
        gap = next(flagged_gaps(series=series, unexplained=True))
        assert explain(gap, explanation="card refused").entry_id == gap.entry
        assert list(find(series=series, full=True)) == []
        assert [one.series for one in summarise(series=series)] == ["invoice", "invoice"]
        assert [alarm for alarm in verify(series=series) if alarm.tenant is not None] == []
        assert change_allocation(series, "at_commit") == 0

    def test_a_default_series_is_made_for_a_period(self, settings: Any) -> None:
        settings.LEDGER = {**settings.LEDGER, "DEFAULT_SERIES": {"order": {"template": "O-{year}-{counter}"}}}
        assert open_period("order", DAY).series.code == "order"
        with pytest.raises(e.UnknownSeries):
            open_period("nothing", DAY)

    def test_another_tenant_than_the_series_own(self, berlin: Shop) -> None:
        for act in (issue, preview, open_period, define_series):
            with pytest.raises(e.InvalidSeries, match="not one of tenant 'paris'"), transaction.atomic():
                act(berlin.series, org="paris")
        assert preview(berlin.series, org="berlin", on=DAY) == "B-2026-0011"

    @pytest.mark.parametrize("odd", [None, 17, b"invoice", ["invoice"], object(), "in\x00voice", "\ud800", 2**80])
    def test_arguments_that_name_no_series(self, odd: Any) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: issue(odd),
            lambda: issue_many(odd, documents=["a"]),
            lambda: preview(odd),
            lambda: define_series(odd, template="I-{year}-{counter}"),
            lambda: open_period(odd),
            lambda: change_allocation(odd, "serial"),
            lambda: skip_taken(odd),
        ]
        for call in calls:
            with pytest.raises(e.InvalidSeries) as refused, transaction.atomic():
                call()
            str(refused.value).encode()

    @pytest.mark.parametrize("odd", [None, b"B-2026-0009", ["B-2026-0009"], object(), 2.5])
    def test_objects_of_another_type(self, odd: Any, berlin: Shop) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: void(odd, reason="why"),
            lambda: explain(odd, explanation="why"),
            lambda: acknowledge(odd, reason="why"),
            lambda: close_period(odd),
            lambda: close_period("invoice"),  # type: ignore[arg-type]
            lambda: undeclared(odd, "office"),
            lambda: declare([odd], authority="office", reference="r"),
            lambda: flag_lost(odd),
            lambda: open_next_periods(series=[odd]),
            lambda: void(berlin.period, reason="why"),  # type: ignore[arg-type]
            lambda: explain(berlin.series, explanation="why"),  # type: ignore[arg-type]
            lambda: acknowledge(berlin.entries[0], reason="why"),  # type: ignore[arg-type]
        ]
        for call in calls:
            with pytest.raises(e.InvalidArgument), transaction.atomic():
                call()
        assert not FindingAcknowledged.objects.exists()
        assert NumberVoided.objects.count() == 1

    @pytest.mark.parametrize("day", ["2026-03-01", 2026, object()])
    def test_days_that_do_not_exist(self, day: Any, berlin: Shop) -> None:
        for dates in ({"day": day}, {"starts_on": day, "ends_on": DAY}, {"starts_on": DAY, "ends_on": day}):
            with pytest.raises(e.InvalidDate):
                open_period(berlin.series, **dates)

    def test_numbers_with_characters_that_no_text_can_have(self, berlin: Shop) -> None:
        for odd in ("B\x00", "\ud800"):
            with pytest.raises(e.UnknownNumber), transaction.atomic():
                void(odd, org="berlin", reason="why")
            with pytest.raises(e.GapError), transaction.atomic():
                explain(odd, org="berlin", explanation="why")

    def test_objects_that_are_not_saved(self, berlin: Shop) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: close_period(Period.of(berlin.series, berlin.period.as_span())),
            lambda: acknowledge(FindingRaised(), reason="why"),
            lambda: void(Entry(kind="issued", number="B-2026-0001"), reason="why"),
            lambda: explain(Entry(kind="gap"), explanation="why"),
            lambda: open_next_periods(series=[Series(code="invoice")]),
        ]
        for call in calls:
            with pytest.raises(e.InvalidArgument, match="not saved"), transaction.atomic():
                call()

    def test_a_period_that_is_gone(self, berlin: Shop) -> None:
        berlin.period.pk = 0
        with pytest.raises(e.NoPeriod):
            close_period(berlin.period)


class TestOneBadSeries:
    @pytest.fixture
    def bad(self) -> Series:
        good = define_series("a", template="A-{year}-{counter}", time_zone="UTC")
        bad = define_series("b", template="B-{year}-{counter}", time_zone="UTC")
        define_series("c", template="C-{year}-{counter}", time_zone="UTC")
        assert good.pk < bad.pk
        Series.objects.filter(pk=bad.pk).update(time_zone="Mars/Olympus")
        return bad

    def test_keeps_no_other_from_its_period(self, bad: Series) -> None:
        for given in (None, list(Series.objects.order_by("pk"))):
            done = open_next_periods(series=given)
            assert [failure["series"] for failure in done["failed"]] == ["b"]
            assert "Mars/Olympus" in done["failed"][0]["error"]
        assert set(Period.objects.values_list("series__code", flat=True)) == {"a", "c"}

    def test_says_so_wherever_it_is_asked_for(self, bad: Series) -> None:
        for call in (lambda: preview("b"), lambda: issue("b"), lambda: open_period("b")):
            with pytest.raises(e.InvalidCalendar, match="time zone"), transaction.atomic():
                call()
