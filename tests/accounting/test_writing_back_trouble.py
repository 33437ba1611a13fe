"""Systems that fail, refuse, or ask us to wait: what is pushed when, and what is kept for a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from ledger.sweeps import run as run_sweep
from tests.accounting.pushing import Office, configured, row, sell, system_settings
from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault
from workers.accounting import errors, systems
from workers.models import Push, PushPosition
from workers.system_sweeps import register_sweeps

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "INV-2026-000001"


def test_a_limit_is_waited_for_as_long_as_it_was_told(books: Books, office: Office) -> None:
    sell("order:1", "order:2")
    books.fail(*[Fault.LIMITED] * 3, method="PUT")
    run = office.push()
    assert isinstance(run.stopped_by, errors.RateLimited)
    assert run.as_dict()["later"] == 1
    at = row().next_attempt_at
    assert at == office.clock.now() + timedelta(seconds=books.retry_after)
    assert row("INV-2026-000002").attempts == 0, "the others aren't asked for in vain"
    Push.objects.exclude(number=NUMBER).delete()
    asked = books.count()
    office.push()
    assert books.count() == asked, "not before its time"
    office.clock.pass_by(books.retry_after)
    assert office.push().as_dict()["pushed"] == 1
    assert row().attempts == 0


def test_a_fault_of_the_server_is_tried_again_later_and_later(books: Books, office: Office) -> None:
    sell("order:1")
    for expected in (60, 120, 240):
        books.fail(*[Fault.ERROR_500] * 3, method="PUT")
        assert office.push().as_dict()["later"] == 1
        assert row().next_attempt_at == office.clock.now() + timedelta(seconds=expected)
        assert "HTTP 500" in row().last_error
        asked = books.count()
        office.clock.pass_by(expected - 1)
        office.push()
        assert books.count() == asked
        office.clock.pass_by(1)
    assert office.push().as_dict()["pushed"] == 1
    assert row().last_error == ""


def test_what_fails_there_again_and_again_reaches_a_person_and_ends_no_run(books: Books, office: Office) -> None:
    """ERPNext answers 500 to a customer that it doesn't know."""
    sell(*[f"order:{n}" for n in range(5)])
    for _ in range(5):
        books.fail(*[Fault.ERROR_500] * 12, method="PUT")
        run = office.push()
        assert run.stopped_by is None
        books.faults.clear()
        office.clock.pass_by(3600)
    assert set(Push.objects.filter(number__lte="INV-2026-000004").values_list("state", "attempts")) == {("failed", 5)}
    assert row("INV-2026-000005").state == Push.State.PUSHED


def test_a_system_in_trouble_is_left_alone(books: Books, office: Office) -> None:
    sell(*[f"order:{n}" for n in range(6)])
    books.fail(*[Fault.ERROR_503] * 30, method="PUT")
    run = office.push()
    assert (run.as_dict()["later"], isinstance(run.stopped_by, errors.ServerFault)) == (3, True)
    assert "503" in PushPosition.objects.get().error
    books.faults.clear()
    office.clock.pass_by(60)
    assert office.push().as_dict()["pushed"] == 6
    assert PushPosition.objects.get().error == ""


@pytest.mark.parametrize("fault", [Fault.EXPIRED, Fault.HTML])
def test_what_is_a_matter_of_the_system_stops_the_run(books: Books, office: Office, fault: Fault) -> None:
    sell("order:1", "order:2")
    books.fail(*[fault] * 9)
    run = office.push()
    assert isinstance(run.stopped_by, errors.AuthenticationFailed | errors.UnexpectedAnswer)
    assert (row().state, row("INV-2026-000002").attempts) == ("waiting", 0)
    assert PushPosition.objects.get().error == str(run.stopped_by)
    books.faults.clear()
    office.clock.pass_by(60)
    assert office.push().as_dict()["pushed"] == 2


def test_one_system_in_trouble_does_not_keep_the_others_from_their_turn(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell("order:1")
    office = Office(books)
    monkeypatch.setattr(systems, "shared", office.http_options)
    broken = system_settings("xero", "http://127.0.0.1:9", describe="")
    with configured(astray=broken, books=system_settings("xero", books.url)):
        assert {"push:astray", "push:books"} <= set(register_sweeps())
        with pytest.raises(errors.Misconfigured, match="astray: its 'describe' is"):
            run_sweep("push:astray")
        assert run_sweep("push:books").counts["pushed"] == 1
    assert len(books.facts()) == 1
    assert Push.objects.get(system="astray").attempts == 0
    assert "describe" in PushPosition.objects.get(system="astray").error


def test_no_document_is_begun_when_the_time_is_over(books: Books, office: Office) -> None:
    sell("order:1")
    assert office.push(seconds=0).as_dict()["pushed"] == 0
    assert books.count() == 0


def test_no_push_inside_a_transaction(books: Books, office: Office) -> None:
    with transaction.atomic():
        sell("order:1")
        with pytest.raises(RuntimeError, match="inside a transaction"):
            office.push()
    assert books.count() == 0
