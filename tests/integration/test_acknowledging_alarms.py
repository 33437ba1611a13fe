"""What can't be mended is acknowledged with a reason, in every interface. If its row changes, it opens again."""

from __future__ import annotations

import getpass
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from ledger import define_series, issue_many, void
from ledger.errors import AlarmError, InvalidReason
from ledger.judging import State, judge
from ledger.models import AlarmAcknowledged, AlarmRaised, AlarmResolved
from ledger.verification import watch
from ledger.verification.alarms import ACKNOWLEDGEABLE, COUNTRY_RULE, acknowledge_alarm
from ledger.verification.findings import MEANINGS
from tests.integration.full_ledger import tampered
from tests.integration.pages import client

pytestmark = pytest.mark.django_db

TENANT = "berlin"


@pytest.fixture
def alarm() -> AlarmRaised:
    """The alarm of a void that is older than its number."""
    define_series("invoice", org=TENANT, template="INV-{year}-{counter:04}", time_zone="UTC")
    with transaction.atomic():
        entries = issue_many("invoice", documents=[f"order:{n}" for n in range(9)], org=TENANT)
    for entry in entries[3:5]:
        void(entry, reason="returned")
    ante_date(4)
    look()
    return AlarmRaised.objects.get(kind="void-too-early")


def ante_date(value: int, moment: str = "2020-01-01") -> None:
    tampered(
        connection,
        f"UPDATE ledger_numbervoided SET voided_at = '{moment}' WHERE entry_id ="
        f" (SELECT id FROM ledger_entry WHERE value = {value})",
    )


def look() -> list[tuple[str, str]]:
    """What a full look finds in rows, and why it may stand."""
    return [(found.check, found.reason) for found in watch() if found.tenant is not None]


def state() -> State:
    return judge(tenant=TENANT, sweeps=()).verdict.state


def verify_output(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("ledger_verify", *arguments, stdout=out, stderr=out)
    except CommandError as refused:
        return refused.returncode, f"{out.getvalue()}{refused}"
    return 0, out.getvalue()


def test_it_is_an_event_that_says_who_when_and_as_which_role(alarm: AlarmRaised) -> None:
    event = acknowledge_alarm(alarm, reason="the clock was set back", by="ada")
    assert (event.alarm, event.tenant, event.reason, event.actor) == (alarm, TENANT, "the clock was set back", "ada")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        assert event.db_login == cursor.fetchone()[0]
    assert event.acknowledged_at > alarm.raised_at
    acknowledge_alarm(alarm.pk, reason="and the log of that day is kept")
    assert AlarmAcknowledged.objects.filter(alarm=alarm).count() == 2
    for change in (AlarmAcknowledged.objects.all().delete, lambda: AlarmAcknowledged.objects.update(reason="x")):
        with pytest.raises(DatabaseError, match="append-only|never"), transaction.atomic():
            change()


def test_it_stays_open_and_no_longer_counts(alarm: AlarmRaised) -> None:
    assert state() is State.LOST
    acknowledge_alarm(alarm, reason="the clock was set back")
    for _ in range(2):
        assert look() == [("void-too-early", "the clock was set back")]
        assert (state(), judge(tenant=TENANT, sweeps=()).verdict.acknowledged) == (State.IN_ORDER, 1)
    assert judge(tenant="another", sweeps=()).verdict.acknowledged == 0
    assert AlarmRaised.objects.count() == 1
    assert not AlarmResolved.objects.exists()


def test_another_row_is_another_alarm(alarm: AlarmRaised) -> None:
    acknowledge_alarm(alarm, reason="the clock was set back")
    ante_date(5)
    assert sorted(look()) == [("void-too-early", ""), ("void-too-early", "the clock was set back")]
    assert state() is State.LOST


def test_a_change_in_its_row_is_another_alarm(alarm: AlarmRaised) -> None:
    acknowledge_alarm(alarm, reason="the clock was set back")
    ante_date(4, "2019-12-31")
    assert look() == [("void-too-early", "")]
    assert AlarmResolved.objects.get().alarm == alarm
    assert state() is State.LOST


def test_an_alarm_that_comes_back_is_open_again(alarm: AlarmRaised) -> None:
    acknowledge_alarm(alarm, reason="the clock was set back")
    tampered(connection, "UPDATE ledger_numbervoided SET voided_at = now() + interval '1 second'")
    assert look() == []
    ante_date(4)
    assert look() == [("void-too-early", "")]
    assert state() is State.LOST


def test_only_an_open_alarm_is_acknowledged(alarm: AlarmRaised) -> None:
    with pytest.raises(AlarmError, match="There is no alarm 987654"):
        acknowledge_alarm(987654, reason="x")
    with pytest.raises(InvalidReason):
        acknowledge_alarm(alarm, reason=" ")
    tampered(connection, "UPDATE ledger_numbervoided SET voided_at = now() + interval '1 second'")
    look()
    with pytest.raises(AlarmError, match="is resolved"):
        acknowledge_alarm(alarm, reason="x")
    assert not AlarmAcknowledged.objects.exists()


@pytest.mark.parametrize("kind", sorted({*MEANINGS, COUNTRY_RULE}))
def test_what_can_be_mended_is_mended(kind: str) -> None:
    """Python and the database have the same list."""
    raised = AlarmRaised.objects.create(tenant="a", kind=kind, problem="p", remedy="So it is mended.", subject="0" * 64)
    if kind in ACKNOWLEDGEABLE:
        acknowledge_alarm(raised, reason="it may stand")
        return
    with pytest.raises(AlarmError, match=r"can be mended.*So it is mended\."):
        acknowledge_alarm(raised, reason="it may stand")
    with pytest.raises(DatabaseError, match="is mended, not acknowledged"), transaction.atomic():
        AlarmAcknowledged.objects.create(tenant="a", alarm=raised, reason="it may stand")


def test_an_acknowledgement_has_the_tenant_of_its_alarm(alarm: AlarmRaised) -> None:
    for tenant in ("another", None):
        for model, more in ((AlarmAcknowledged, {"reason": "x"}), (AlarmResolved, {})):
            with pytest.raises(DatabaseError, match=f"alarm {alarm.pk} does not belong"), transaction.atomic():
                model.objects.create(tenant=tenant, alarm=alarm, **more)


def test_no_other_alarm_can_be_raised_in_its_place() -> None:
    """Whether one is open is decided by what it says, not by a digest that its caller claims."""
    row: dict[str, Any] = {"tenant": "a", "kind": "void-twice", "series": "s", "table_name": "t", "number": ""}
    row |= {"ordinal": 0, "problem": "p", "remedy": "r", "subject": "0" * 64}
    with connection.cursor() as cursor:
        for more, raised in (({}, 1), ({}, 0), ({"problem": "q"}, 1), ({"row_id": 7}, 1), ({"kind": "void-of-gap"}, 1)):
            cursor.execute("SELECT ledger_raise_alarms(%s)", [json.dumps([row | more])])
            assert cursor.fetchone() == (raised,), more
    assert AlarmRaised.objects.filter(subject="0" * 64).count() == 0


class TestCommand:
    def test_it_lists_and_acknowledges(self, alarm: AlarmRaised) -> None:
        code, said = verify_output("alarms", "--tenant", TENANT)
        assert code == 2
        assert f"{alarm.pk} " in said
        assert "void-too-early of berlin/invoice" in said
        code, said = verify_output("acknowledge", str(alarm.pk), "--reason", "the clock was set back", "--by", "ada")
        assert (code, said.strip()) == (0, f"Acknowledged: {alarm.pk}.")
        code, said = verify_output("alarms", "--tenant", TENANT, "--json")
        document = json.loads(said)
        assert (code, document["ok"], document["verdict"]["acknowledged"]) == (0, True, 1)
        [row] = document["alarms"]
        assert (row["id"], row["reason"], row["acknowledged_by"]) == (alarm.pk, "the clock was set back", "ada")
        assert "the clock was set back (ada)" in verify_output("alarms", "--tenant", TENANT)[1]

    def test_who_runs_it_says_so(self, alarm: AlarmRaised) -> None:
        verify_output("acknowledge", str(alarm.pk), "--reason", "the clock was set back")
        assert AlarmAcknowledged.objects.get().actor == getpass.getuser()

    def test_all_or_nothing(self, alarm: AlarmRaised) -> None:
        code, said = verify_output("acknowledge", str(alarm.pk), "987654", "--reason", "x", "--json")
        assert (code, "There is no alarm 987654" in said) == (1, True)
        assert not AlarmAcknowledged.objects.exists()


class TestPages:
    def test_it_asks_for_a_reason_and_does_it_once(self, alarm: AlarmRaised) -> None:
        keeper = client("keeper", "view_entry", "acknowledge_alarm")
        page = keeper.get("/ledger/alarms/?tenant=berlin").content.decode()
        assert f'name="alarm" value="{alarm.pk}"' in page
        page = keeper.get(f"/ledger/alarms/acknowledge/?tenant=berlin&alarm={alarm.pk}").content.decode()
        assert "Acknowledge an alarm" in page
        assert f'name="alarm" value="{alarm.pk}"' in page
        for _ in range(2):
            keeper.post(
                "/ledger/alarms/acknowledge/?tenant=berlin", {"alarm": [alarm.pk], "reason": "it was the clock"}
            )
        event = AlarmAcknowledged.objects.get()
        assert (event.alarm, event.reason, event.actor) == (alarm, "it was the clock", "keeper")

    def test_it_needs_a_permission_of_its_own(self, alarm: AlarmRaised) -> None:
        reader = client("reader", "view_entry", "acknowledge_finding")
        assert "Acknowledge the chosen" not in reader.get("/ledger/alarms/?tenant=berlin").content.decode()
        posted = reader.post("/ledger/alarms/acknowledge/?tenant=berlin", {"alarm": [alarm.pk], "reason": "x"})
        assert posted.status_code == 403
        assert not AlarmAcknowledged.objects.exists()

    def test_an_alarm_that_can_be_mended_can_not_be_chosen(self, alarm: AlarmRaised) -> None:
        tampered(connection, "DELETE FROM ledger_entry WHERE value = 7")
        look()
        lost = AlarmRaised.objects.get(kind="lost-or-tampered")
        keeper = client("keeper", "view_entry", "acknowledge_alarm")
        assert f'name="alarm" value="{lost.pk}"' not in keeper.get("/ledger/alarms/?tenant=berlin").content.decode()
        chosen = {"alarm": [alarm.pk, lost.pk], "reason": "both"}
        page = keeper.post("/ledger/alarms/acknowledge/?tenant=berlin", chosen).content.decode()
        assert "Nothing was done" in page
        assert not AlarmAcknowledged.objects.exists()
