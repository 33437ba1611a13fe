"""A history that was adopted by mistake is retired as a whole, by one event, if nothing followed it."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from ledger import issue, preview, void
from ledger.actions import retire
from ledger.adoption import adopt
from ledger.errors import AdoptionError
from ledger.models import Adoption, NumberVoided
from ledger.verification import verify
from tests.integration.adopting import YEARLY, Write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def files(write: Write) -> list[Adoption]:
    """Two files of one year, the second behind the first; the first has a void number and a hole."""
    first = write("INV-2025-0001,2025-01-02", "INV-2025-0003,2025-01-03", name="a.csv")
    second = write("INV-2025-0004,2025-02-02", name="b.csv")
    made = [adopt(path, series="invoice", settings=YEARLY) for path in (first, second)]
    void("INV-2025-0001", reason="by then")
    return list(Adoption.objects.filter(pk__in=[one.adoption for one in made]).order_by("pk"))


def reasons() -> dict[str, str]:
    return dict(NumberVoided.objects.values_list("entry__number", "reason"))


def test_the_later_one_first(files: list[Adoption]) -> None:
    with pytest.raises(AdoptionError, match="followed by INV-2025-0004"):
        retire(files[0], reason="another shop's", by="ann")
    event = retire(files[1], reason="another shop's", by="ann")
    assert (event.rows, event.actor, event.options["retires"]) == (0, "ann", files[1].pk)
    assert str(event) == "b.csv: retired"
    retire(files[0], reason="another shop's")
    # What was void stays so for its own reason.
    assert reasons() == {
        "INV-2025-0001": "by then",
        "INV-2025-0003": "another shop's",
        "INV-2025-0004": "another shop's",
    }
    with pytest.raises(AdoptionError, match="retired before"):
        retire(files[0], reason="again")
    with pytest.raises(AdoptionError, match="no numbers of its own"):
        retire(event, reason="the retirement itself")
    assert list(verify()) == []


def test_a_file_with_later_numbers_of_folio_is_not_retired(files: list[Adoption]) -> None:
    with transaction.atomic():
        issue("invoice", document="o:1", on=date(2025, 3, 1))
    with pytest.raises(AdoptionError, match="followed by INV-2025-0005"):
        retire(files[1], reason="too late")
    assert set(reasons()) == {"INV-2025-0001"}


def test_two_of_one_transaction_are_told_apart_or_not_at_all(write: Write) -> None:
    with transaction.atomic():
        for name, line in (("a.csv", "INV-2025-0001,2025-01-02"), ("b.csv", "INV-2025-0002,2025-01-02")):
            adopt(write(line, name=name), series="invoice", settings=YEARLY)
    with pytest.raises(AdoptionError, match="one transaction with another"):
        retire(Adoption.objects.latest("pk"), reason="x")


def test_the_right_file_goes_to_a_tenant_of_its_own(files: list[Adoption], write: Write) -> None:
    for one in reversed(files):
        retire(one, reason="another shop's")
    right = write("INV-2025-0001,2025-01-07", "INV-2025-0002,2025-01-08", name="right.csv")
    for again in (right, write("INV-2025-0004,2025-02-02", name="b.csv")):
        with pytest.raises(AdoptionError, match=r"was retired: its numbers stay .* \(--tenant 'history'\)"):
            adopt(again, series="invoice")
    assert adopt(right, series="invoice", org="history", settings=YEARLY).rows == 2
    # What the wrong one didn't have belongs here, and the series goes on.
    assert adopt(write("INV-2025-0006,2025-03-02", name="c.csv"), series="invoice").rows == 1
    assert preview("invoice", on=date(2025, 3, 3)) == "INV-2025-0007"
    assert list(verify()) == []


def test_the_command_shows_first(files: list[Adoption]) -> None:
    out = StringIO()
    options = {"retire": files[1].pk, "void_reason": "another shop's", "stdout": out}
    call_command("ledger_adopt", **options)
    assert "1 numbers of b.csv in series invoice would be void" in out.getvalue()
    assert set(reasons()) == {"INV-2025-0001"}
    call_command("ledger_adopt", **options, apply=True)
    assert reasons()["INV-2025-0004"] == "another shop's"
    for wrong in ({"retire": 99, "void_reason": "x"}, {"retire": files[0].pk}, {}):
        with pytest.raises(CommandError) as caught:
            call_command("ledger_adopt", **wrong)
        assert caught.value.returncode == 2
