"""``ledger_push``, the sweep, its task and its page: what each shows and does."""

from __future__ import annotations

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from ledger import sweeps, void
from ledger.models import SweepRun
from ledger.sweeps import registry
from tests.accounting.pushing import DAY, Office, configured, sell, system_settings
from tests.accounting.standins.books import Books
from tests.accounting.standins.server import Fault
from tests.databases import manage_here
from workers.accounting import errors, systems
from workers.accounting.base import State
from workers.models import Push
from workers.system_sweeps import register_sweeps, sweep_name, systems_of

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "INV-2026-000001"


@pytest.fixture(autouse=True)
def http_options(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "shared", office.http_options)


def push_json(*arguments: str) -> list[dict[str, Any]]:
    """The command's JSON, whatever its exit code."""
    out = StringIO()
    with suppress(CommandError):
        call_command("ledger_push", *arguments, "--json", stdout=out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def push_output(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger_push", *arguments, stdout=out)
    return out.getvalue()


def test_it_pushes_and_tells(books: Books) -> None:
    sell("order:1", "order:2")
    assert push_output() == "books: 2 found, 2 pushed just now; in all 2 pushed.\n"
    assert len(books.facts()) == 2
    assert push_output("--system", "books") == "books: in all 2 pushed.\n"


def test_what_needs_a_person_is_shown_and_tried_again_when_asked(books: Books) -> None:
    sell("order:1", "order:2")
    keys = [books.add(f"X-{n}", DAY, f"order:{n}") for n in (1, 2)]
    with pytest.raises(CommandError, match="These need a person: books") as raised:
        push_output("--system", "books")
    assert raised.value.returncode == 1
    with pytest.raises(CommandError):
        push_output("--list")
    [shown] = push_json("--list")
    assert shown["states"] == {"conflict": 2}
    assert [each["number"] for each in shown["stuck"]] == [NUMBER, "INV-2026-000002"]
    assert shown["stuck"][0]["facts"]["number"] == "X-1"
    assert shown["last_run"]["error"] == ""
    books.renumber(keys[0], NUMBER)
    [again] = push_json("--system", "books", "--retry", "--number", NUMBER)
    assert (again["retried"], again["counts"]["pushed"], again["states"]) == (1, 1, {"conflict": 1, "pushed": 1})
    books.renumber(keys[1], "INV-2026-000002")
    assert push_output("--system", "books", "--retry") == "books: 1 pushed just now; in all 2 pushed.\n"


def test_what_stopped_it_is_told(books: Books) -> None:
    sell("order:1")
    books.fail(*[Fault.EXPIRED] * 9)
    [stopped] = push_json()
    assert "it gives no access token" in stopped["error"]
    assert stopped["due"][0]["last_error"] == stopped["error"]
    with configured(books=system_settings("xero", books.url, describe="")):
        [misconfigured] = push_json()
    assert "'describe' is ''" in misconfigured["error"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--system", "nowhere"], "no accounting system 'nowhere'"),
        (["--system", "quiet"], "have no 'push'"),
        (["--list", "--retry"], "leave --retry out"),
        (["--number", NUMBER], "--number goes with"),
        (["--system", "books", "--retry", "--number", "X-1"], "don't need a person: X-1"),
    ],
)
def test_options_that_are_no_good(books: Books, arguments: list[str], problem: str) -> None:
    quiet = system_settings("xero", books.url, push=False)
    with (
        configured(books=system_settings("xero", books.url), quiet=quiet),
        pytest.raises(CommandError, match=problem) as raised,
    ):
        push_output(*arguments)
    assert raised.value.returncode == 2
    assert books.count() == 0


def test_help_has_an_example() -> None:
    done = manage_here("ledger_push", "--help")
    assert done.returncode == 0
    assert "manage.py ledger_push --system books --retry" in done.stdout
    assert "Exit code 0" in done.stdout


def test_a_limit_is_no_trouble(books: Books, office: Office) -> None:
    sell("order:1")
    books.fail(*[Fault.LIMITED] * 3, method="PUT")
    assert "1 later just now; in all 1 waiting." in push_output()
    office.clock.pass_by(books.retry_after)
    books.fail(*[Fault.LIMITED] * 3, method="PUT")
    run = sweeps.run(sweep_name("push", "books"))
    assert (run.error, run.counts["later"]) == ("", 1)


def test_a_system_in_trouble_is_told_by_the_row_of_the_run(books: Books) -> None:
    sell("order:1")
    books.fail(*[Fault.HTML] * 9)
    with pytest.raises(errors.UnexpectedAnswer):
        sweeps.run(sweep_name("push", "books"))
    assert "a web page instead of data" in SweepRun.objects.get().error


def test_the_sweep_pushes_to_every_system(books: Books) -> None:
    sell("order:1")
    [entry] = sell("order:2")
    assert sweeps.run(sweep_name("push", "books")).counts["pushed"] == 2
    void(entry, reason="reversed")
    register_sweeps()
    call_command("ledger_sweep", "push", stdout=StringIO())
    assert SweepRun.objects.order_by("-pk")[0].counts["cancelled"] == 1
    assert books.facts()[1] == ("INV-2026-000002", "order:2", State.VOID)
    with configured():
        assert systems_of("push") == []


def test_a_sort_of_sweeps_without_a_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_sweeps", {})
    with configured():
        assert register_sweeps() == []
        with pytest.raises(CommandError, match=r"nothing to sweep for 'push' here.*\n?.*True for an") as refused:
            call_command("ledger_sweep", "push")
    assert refused.value.returncode == 2


class TestPage:
    @pytest.fixture
    def client(self) -> Client:
        user = User.objects.create_user("maria", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_push"))
        client = Client()
        client.force_login(user)
        return client

    def test_the_list_and_a_row(self, books: Books, office: Office, client: Client) -> None:
        sell("order:1", "order:2", "order:3")
        books.add("X-1", DAY, "order:1")
        office.push()
        address = "/admin/ledger_workers/push/"
        page = client.get(address)
        assert page.status_code == 200
        assert [push.number for push in page.context["cl"].result_list][-1] == NUMBER
        assert "books has INV-2026-000001 otherwise" in page.content.decode()
        found = client.get(address, {"q": "order:2", "system": "books"}).context["cl"].result_list
        assert [push.document for push in found] == ["order:2"]
        stuck = client.get(address, {"state__exact": "conflict"}).context["cl"].result_list
        assert [push.number for push in stuck] == [NUMBER]
        assert not client.get(address, {"system": "nowhere"}).context["cl"].result_list
        one = client.get(f"{address}{Push.objects.get(number=NUMBER).pk}/change/")
        assert "X-1" in one.content.decode()
        assert "_save" not in one.content.decode()
        for action in ("add/", f"{Push.objects.first().pk}/delete/"):  # type: ignore[union-attr]
            assert client.post(address + action).status_code == 403

    def test_it_takes_the_permission(self, books: Books) -> None:
        client = Client()
        client.force_login(User.objects.create_user("otto", is_staff=True))
        assert client.get("/admin/ledger_workers/push/").status_code == 403
