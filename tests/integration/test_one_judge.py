"""One judge: everything that says how the ledger stands says the same. Nothing is listed by hand."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse

from ledger import close_period, define_series, issue_many, void
from ledger.actions import explain
from ledger.gaps import find, flag_lost, flagged_gaps
from ledger.judging import State, facts as judging_facts, judge
from ledger.management import commands
from ledger.management.base import LedgerCommand
from ledger.models import AlarmRaised, AlarmResolved, Entry, Period, SweepRun
from ledger.models.tables import event_tables
from ledger.sweeps import registered, run
from ledger.sweeps.health import health
from ledger.urls import urlpatterns
from ledger.verification import watch
from ledger.verification.alarms import Watch, acknowledge_alarm
from ledger.verification.findings import alarm_for
from ledger.web import counts
from tests.integration.full_ledger import tampered
from tests.integration.pages import flag
from tests.integration.reporting import csv_tables, pdf_text, sheets

pytestmark = pytest.mark.django_db(transaction=True)

TENANT = "berlin"
TOKEN = "a token for the tests, long enough"

#: How each command that judges is asked; ``{file}`` is where it may write.
COMMANDS: dict[str, list[str]] = {
    "ledger_documents": [],
    "ledger_gaps": [],
    "ledger_register": ["--tenant", TENANT, "--output", "{file}"],
    "ledger_report": ["--tenant", TENANT, "--output", "{file}"],
    "ledger_rules": [],
    "ledger_status": [],
    "ledger_sweep": ["flag_gaps", "verify"],
    "ledger_verify": [],
}
#: Addresses that tell no state: files have it within, and these lead elsewhere or ask before an act.
NOT_A_PAGE = {
    *("healthz", "metrics", "export", "find", "void_number", "explain_gaps", "acknowledge_findings"),
    *("acknowledge_alarms", "register_file", "package"),
}


@pytest.fixture
def guarded(transactional_db: None) -> Iterator[None]:
    """With the refusal of TRUNCATE, which test databases lack and ``verify`` misses."""
    with connection.cursor() as cursor:
        for table in event_tables():
            cursor.execute(
                f"CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
            )
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER ledger_append_only_table")
    yield
    with connection.cursor() as cursor:
        for table in event_tables():
            cursor.execute(f"DROP TRIGGER ledger_append_only_table ON {table}")


@pytest.fixture
def period(guarded: None, monkeypatch: pytest.MonkeyPatch) -> Period:
    """Thirty numbers, which every sweep has looked at; pages keep the sums of ten at a time."""
    monkeypatch.setattr(counts, "_BLOCK", 10)
    cache.clear()
    define_series("invoice", org=TENANT, template="INV-{year}-{counter:04}", time_zone="UTC")
    with transaction.atomic():
        issue_many("invoice", documents=[f"order:{n}" for n in range(30)], org=TENANT)
    sweep_all()
    return Period.objects.select_related("series").get()


def sweep_all() -> None:
    for sweep in registered():
        run(sweep.name)


def lose(*values: int) -> None:
    tampered(connection, f"DELETE FROM ledger_entry WHERE value IN ({', '.join(map(str, values))})")


def ante_date(value: int, moment: str = "2020-01-01") -> None:
    """A void that is older than its number, as a clock that was set back leaves it."""
    tampered(
        connection,
        f"UPDATE ledger_numbervoided SET voided_at = '{moment}' WHERE entry_id ="
        f" (SELECT id FROM ledger_entry WHERE value = {value})",
    )


def commands_that_judge() -> dict[str, bool]:
    """Every command of the ledger, and whether it judges, which each of them says itself."""
    found = {}
    for module in iter_modules(commands.__path__):
        command = import_module(f"{commands.__name__}.{module.name}").Command
        if not issubclass(command, LedgerCommand):
            continue  # one of Django's, taught to keep off the ledger
        assert "judges" in vars(command), f"{module.name} doesn't say whether it judges"
        found[module.name] = command.judges
    return found


def pages(period: Period) -> Iterator[tuple[str, str]]:
    """Every page that tells a state, by the name of its address."""
    arguments = {"pk": period.pk, "period": period.pk, "value": 1}
    for pattern in urlpatterns:
        if pattern.name not in NOT_A_PAGE:
            wanted = pattern.pattern.converters
            pk = period.series_id if pattern.name in ("series", "rules") else period.pk
            known = {name: pk if name == "pk" else arguments[name] for name in wanted}
            yield str(pattern.name), reverse(f"ledger:{pattern.name}", kwargs=known)


def admin_pages(period: Period) -> Iterator[tuple[str, str]]:
    yield "index", reverse("admin:app_list", args=["ledger"])
    for model in admin.site._registry:
        if model._meta.app_label == "ledger":
            yield f"list of {model._meta.model_name}", reverse(f"admin:ledger_{model._meta.model_name}_changelist")
    yield "a period", reverse("admin:ledger_period_change", args=[period.pk])


def texts(client: Client, period: Period) -> dict[str, str]:
    """What each page says, of Folio's own and of the admin's; with what a page keeps in its cache."""
    return {
        name: client.get(address).content.decode()
        for name, address in [*pages(period), *((f"admin: {name}", url) for name, url in admin_pages(period))]
    }


def command_output(name: str, tmp_path: Path) -> tuple[int, str]:
    """The exit code of a command, and all that it said."""
    file = tmp_path / "report.json"
    out, error = io.StringIO(), io.StringIO()
    arguments = [argument.format(file=file) for argument in COMMANDS[name]]
    try:
        call_command(name, *arguments, stdout=out, stderr=error)
    except CommandError as refused:
        return refused.returncode, f"{out.getvalue()}{error.getvalue()}{refused}"
    return 0, f"{out.getvalue()}{error.getvalue()}"


def figures(client: Client) -> dict[str, float]:
    with override_settings(LEDGER={"METRICS_TOKEN": TOKEN}):
        lines = client.get("/ledger/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    return {
        line.partition('state="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in lines.splitlines()
        if line.startswith("ledger_state{")
    }


def everything_says(client: Client, period: Period, tmp_path: Path, state: State) -> None:
    """Every surface says ``state``, and no surface says another state."""
    probe = client.get("/ledger/healthz")
    assert probe.json()["verdict"] == state
    assert probe.status_code == (503 if state is State.LOST else 200)
    assert {name for name, value in figures(client).items() if value} == {state}
    for name, text in texts(client, period).items():
        assert state in text.lower(), name
        assert state is State.IN_ORDER or "in order" not in text.lower(), name
    for name in ("json", "csv"):
        exported = client.get(f"/ledger/period/{period.pk}/export/{name}/")
        body = b"".join(exported.streaming_content)  # type: ignore[attr-defined]
        exported.close()
        if name == "json":
            document = json.loads(body)
            assert (document["state"], document["ok"]) == (state, state is State.IN_ORDER)
            assert {row["state"] for row in document["parts"]["summary"]} == {state}
    judging = {name for name, judges in commands_that_judge().items() if judges}
    assert judging == set(COMMANDS), "a new command that judges stands in COMMANDS"
    for name in sorted(judging):
        code, text = command_output(name, tmp_path)
        assert code == state.exit_code, (name, text)
        assert state is State.IN_ORDER or state in text.lower(), (name, text)
        for word in ("in order", "nothing is missing", "adds up", "all is well"):
            assert state is State.IN_ORDER or word not in text.lower(), (name, text)
    assert json.loads((tmp_path / "report.json").read_text())["state"] == state


def test_a_ledger_in_order_is_so_everywhere(admin_client: Client, period: Period, tmp_path: Path) -> None:
    everything_says(admin_client, period, tmp_path, State.IN_ORDER)


def test_deleted_rows_are_seen_everywhere_at_once(admin_client: Client, period: Period, tmp_path: Path) -> None:
    """A ledger of that size is looked at in full for each answer, also where a page has kept its sums."""
    for _ in range(2):
        before = texts(admin_client, period)["period"]
    assert "Some of these sums were counted at" in before
    lose(5, 6, 7)
    # Before a command looks, and raises an alarm.
    assert "3 values are lost:" in admin_client.get(f"/ledger/period/{period.pk}/").content.decode()
    everything_says(admin_client, period, tmp_path, State.LOST)


def test_a_tampered_ledger_turns_every_surface_red(admin_client: Client, period: Period, tmp_path: Path) -> None:
    """Pages, admin, files, commands, probes and Prometheus' alerts: nothing looks as if all were well."""
    lose(5, 6, 7)
    everything_says(admin_client, period, tmp_path, State.LOST)
    for name, text in texts(admin_client, period).items():
        red = ('class="verdict bad"', "ledger-verdict-bad", "ledger-stands-bad")
        assert any(mark in text for mark in red), name
        assert 'class="verdict good"' not in text, name
        assert "ledger-verdict-good" not in text, name
    files = {
        name: b"".join(admin_client.get(f"/ledger/{path}", {"tenant": TENANT}).streaming_content)  # type: ignore[attr-defined]
        for name, path in (
            *((name, f"period/{period.pk}/export/{name}/") for name in ("pdf", "xlsx", "csv")),
            ("register", "register/csv/"),
            ("package", "package/"),
        )
    }
    with zipfile.ZipFile(io.BytesIO(files["package"])) as package:
        files["contents"], files["its pdf"] = package.read("CONTENTS.txt"), package.read("report.pdf")
    assert "lost or tampered" in files["contents"].decode()
    for name in ("pdf", "its pdf"):
        assert "Lost or tampered." in pdf_text(files[name]), name
    assert "lost or tampered" in "".join(sheets(files["xlsx"]).values()).lower()
    told = {row["what"]: row["is"] for row in csv_tables(files["csv"])["header"]}
    assert told["State"] == State.LOST
    states = [row["state"] for row in csv.DictReader(io.StringIO(files["register"].decode("utf-8-sig")))]
    assert states.count("lost") == 1, "one line for the three values"


def test_deleted_rows_are_seen_everywhere_after_the_nightly_look(
    admin_client: Client, period: Period, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a ledger that is too large for that, what is shown says how old it is, and nothing is older than the look."""
    monkeypatch.setattr(judging_facts, "_MOST", 0)
    texts(admin_client, period)
    before = admin_client.get(f"/ledger/period/{period.pk}/").content.decode()
    lose(5, 6, 7)
    page = admin_client.get("/ledger/").content.decode()
    assert "the last full look was on" in page
    assert "every value looked at" not in page
    assert run("flag_gaps").counts["lost"] == 0, "it goes on where the last scan left off"
    run("verify")
    everything_says(admin_client, period, tmp_path, State.LOST)
    after = admin_client.get(f"/ledger/period/{period.pk}/").content.decode()
    assert ("3 values are lost:" in before, "3 values are lost:" in after) == (False, True)


def test_a_note_never_hides_the_word(admin_client: Client, period: Period) -> None:
    """A line of the overview also says that a period is closed, but not where there is worse to say."""
    flag(period, "a")
    close_period(period, early=True)
    line = admin_client.get("/ledger/").content.decode().partition('<td data-title="State">')[2]
    assert line.partition('<span class="badge ')[2].partition("</span>")[0] == 'bad">unexplained'
    explain(next(flagged_gaps()).number, explanation="card refused", org=TENANT)
    line = admin_client.get("/ledger/").content.decode().partition('<td data-title="State">')[2]
    assert line.partition('<span class="badge ')[2].partition("</span>")[0] == 'note">closed'


def test_gaps_to_explain_are_work_and_no_alarm(admin_client: Client, period: Period, tmp_path: Path) -> None:
    flag(period, "a")
    everything_says(admin_client, period, tmp_path, State.UNEXPLAINED)
    explain(next(flagged_gaps()).number, explanation="card refused", org=TENANT)
    everything_says(admin_client, period, tmp_path, State.IN_ORDER)


def test_an_overdue_sweep_is_told_where_others_rely_on_it(admin_client: Client, period: Period) -> None:
    SweepRun.objects.filter(sweep="verify").update(finished_at="2020-01-01T00:00Z", started_at="2020-01-01T00:00Z")
    answer = admin_client.get("/ledger/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["verdict"]) == (503, "overdue", "overdue")
    for name, text in texts(admin_client, period).items():
        assert "overdue" in text, name
        assert "in order" not in text, name
    # Who has looked at everything himself relies on nobody.
    assert judge(sweeps=()).verdict.is_in_order


def test_what_is_acknowledged_counts_nowhere_and_is_told_everywhere(
    admin_client: Client, period: Period, tmp_path: Path
) -> None:
    void(Entry.objects.get(period=period, value=4), reason="returned")
    ante_date(4)
    run("verify")
    everything_says(admin_client, period, tmp_path, State.LOST)
    acknowledge_alarm(AlarmRaised.objects.get(), reason="the clock was set back", by="ada")
    everything_says(admin_client, period, tmp_path, State.IN_ORDER)
    for name, text in texts(admin_client, period).items():
        if 'class="verdict' in text or "ledger-verdict" in text:
            assert "1 alarm is acknowledged." in text, name
    for command in ("ledger_verify", "ledger_status", "ledger_gaps"):
        assert "1 alarm is acknowledged" in command_output(command, tmp_path)[1], command
    assert "void-too-early" in (told := command_output("ledger_verify", tmp_path)[1])
    assert "Acknowledged: the clock was set back" in told
    page = admin_client.get(f"/ledger/alarms/?tenant={TENANT}&alarms-state=acknowledged").content.decode()
    assert "the clock was set back" in page
    assert "No alarm is unresolved" in admin_client.get(f"/ledger/alarms/?tenant={TENANT}").content.decode()
    command_output("ledger_report", tmp_path)
    [row] = json.loads((tmp_path / "report.json").read_text())["parts"]["acknowledged"]
    assert (row["alarm"], row["reason"], row["acknowledged_by"]) == ("void-too-early", "the clock was set back", "ada")


class TestAlarms:
    def test_one_stays_until_a_later_look_no_longer_finds_it(self, period: Period) -> None:
        lose(5, 6, 7)
        for _ in range(2):
            assert run("verify").counts["alarms"] > 0
        alarm = AlarmRaised.objects.get(kind="lost-or-tampered")
        assert (alarm.tenant, alarm.series, alarm.starts_on) == (TENANT, "invoice", period.starts_on)
        assert (alarm.value, alarm.through, alarm.rule, alarm.occurrence) == (5, 7, 1, 1)
        assert not AlarmResolved.objects.exists()
        for hole in find(full=True):
            flag_lost(hole)
        assert AlarmResolved.objects.get().alarm == alarm
        run("verify")
        assert AlarmRaised.objects.filter(kind="lost-or-tampered").count() == 1
        # That a gap is flagged in its place doesn't bring a row back that was sealed.
        assert set(AlarmRaised.objects.exclude(pk=alarm.pk).values_list("kind", flat=True)) == {"sealed-row-gone"}
        assert judge(sweeps=health()).verdict.state is State.LOST

    def test_what_comes_back_is_raised_again(self, period: Period) -> None:
        """As the next occurrence, so that each time it was seen can be read."""
        for _ in range(2):
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_fits")
            run("verify")
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")
            run("verify")
        found = AlarmRaised.objects.order_by("pk")
        assert [(one.kind, one.tenant, one.occurrence) for one in found] == [("trigger", None, 1), ("trigger", None, 2)]
        assert AlarmResolved.objects.count() == 2
        assert judge(sweeps=health()).verdict.is_in_order

    def test_a_missing_guard_concerns_every_tenant(self, admin_client: Client, period: Period) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_fits")
        run("verify")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_fits")
        judgement = judge(tenant="another", sweeps=())
        assert judgement.verdict.state is State.LOST
        page = admin_client.get(f"/ledger/alarms/?tenant={TENANT}").content.decode()
        assert "all tenants" in page
        assert "ledger_entry_fits" in page

    def test_a_look_at_one_tenant_resolves_no_other_tenants(self, period: Period) -> None:
        lose(5)
        list(watch())
        assert list(watch(tenant="another")) == []
        assert not AlarmResolved.objects.exists()
        assert {alarm.check for alarm in watch(tenant=TENANT)} == {"lost-or-tampered", "sealed-row-gone"}

    def test_the_scan_of_each_minute_raises_one_too(self, period: Period) -> None:
        with transaction.atomic():
            issue_many("invoice", documents=["a", "b", "c"], org=TENANT)
        lose(32)
        assert run("flag_gaps").counts["lost"] == 1
        assert AlarmRaised.objects.get().value == 32
        run("flag_gaps")
        assert AlarmRaised.objects.count() == 1
        run("verify")
        assert AlarmRaised.objects.count() == 1, "both looks find the same alarm"

    def test_a_check_that_could_not_run_mends_nothing(self, period: Period) -> None:
        lose(5)
        run("verify")
        watched = Watch("default")
        watched.see(alarm_for("not-checked", "Not checked: voids, because PostgreSQL says: no"))
        watched.finish()
        assert not AlarmResolved.objects.exists()
        assert set(AlarmRaised.objects.values_list("kind", flat=True)) == {
            *("lost-or-tampered", "sealed-row-gone", "not-checked")
        }

    def test_a_role_that_may_only_read_verifies_too(self, period: Period) -> None:
        """An auditor's role, or a standby."""
        lose(5)
        told: list[str] = []
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            assert [alarm.check for alarm in watch(refused=told.append)] == ["lost-or-tampered", "sealed-row-gone"]
        assert len(told) == 1
        assert "not kept as alarms" in told[0]
        assert not AlarmRaised.objects.exists()

    def test_their_rows_never_change(self, period: Period) -> None:
        lose(5)
        run("verify")
        for change in (AlarmRaised.objects.all().delete, lambda: AlarmRaised.objects.update(kind="nothing")):
            with pytest.raises(DatabaseError, match="append-only|never"), transaction.atomic():
                change()
