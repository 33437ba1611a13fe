"""The table of docs/explanation/proofs.md that says against whom each rule holds: a test of each cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import Error as DatabaseError, transaction

from ledger import close_period, define_series, issue, issue_many, void
from ledger.gaps import sweep
from ledger.judging import Kind, judge
from ledger.models import Entry, Reservation
from ledger.verification import verify
from tests.roles.logins import AUDITOR, CHECKOUT, DAY, FINANCE, OWNER, WORKERS, Logins, opened, refusal, rows

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "proofs.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Against whom each rule holds")[2].partition("\n## ")[0]
HEADER, _, *LINES = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("|")
]
ROLES = {"checkout": CHECKOUT, "workers": WORKERS, "finance": FINANCE, "auditor": AUDITOR}
#: (rule, column of a role) → what the page says.
TABLE = {(int(line[0]), who): word for line in LINES for who, word in zip(HEADER[2:], line[2:], strict=True)}
#: What enforces each rule, as the first table of the page names it.
HELD_BY = {
    int(line.split("|")[1]): re.findall(r"`(ledger_\w+)`", line.split("|")[3])
    for line in PAGE.partition("## What must always hold")[2].partition("\n## ")[0].splitlines()
    if re.match(r"\| \d \|", line)
}


def quoted(text: str) -> str:
    return f"'{text}'"


def _entry(value: str, document: str, entry: str) -> str:
    """The statement that inserts another entry of a value into the period of an entry."""
    return (
        "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor,"
        f" metadata) SELECT e.tenant, e.series_id, e.period_id, {value}, 'issued', p.prefix || {value} || p.suffix,"
        f" {document}, e.issued_on, '', '{{{{}}}}' FROM ledger_entry e JOIN ledger_period p ON p.id = e.period_id"
        f" WHERE e.id = {entry}"
    )


_OF_CLOSED = "(SELECT min(id) FROM ledger_entry WHERE period_id = {closed})"
_RAISE = "UPDATE ledger_period SET last_value = last_value + 1 WHERE id = {period}"

#: What would break each rule, by statements that write rows. Of ``plain``: its period, and the ids of the second entry,
#: which is void, and of the first one; ``gap``, ``slots`` and ``closed`` are an entry and two periods of other series.
ATTACKS: dict[int, list[str]] = {
    1: ["DELETE FROM ledger_slot WHERE period_id = {slots}", _RAISE],
    2: ["UPDATE ledger_period SET last_value = last_value - 1 WHERE id = {period}", _RAISE],
    3: [
        f"{_RAISE}; {_entry('4', 'e.document', '{entry}')}",
        f"{_RAISE}; {_entry('2', quoted('other'), '{entry}')}",
        "UPDATE ledger_entry SET document = 'order:2' WHERE id = {entry}",
    ],
    4: [f"{_RAISE}; {_entry('4', quoted('nobody'), '{entry}')}"],
    5: [
        "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, actor, replacement)"
        " SELECT tenant, id, 'again', '', '' FROM ledger_entry WHERE id = {void}",
        "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, actor, replacement)"
        " SELECT tenant, id, 'a gap', '', '' FROM ledger_entry WHERE id = {gap}",
        "UPDATE ledger_numbervoided SET entry_id = {entry} WHERE entry_id = {void}",
    ],
    6: [
        _entry("(SELECT value FROM ledger_entry WHERE id = {gap})", quoted("x"), "{gap}"),
        "UPDATE ledger_entry SET kind = 'issued', document = 'x' WHERE id = {gap}",
        "DELETE FROM ledger_entry WHERE id = {gap}",
    ],
    7: [
        _entry("2", quoted("x"), _OF_CLOSED),
        "UPDATE ledger_period SET last_value = last_value + 1 WHERE id = {closed}; "
        + _entry("2", quoted("x"), _OF_CLOSED),
        "UPDATE ledger_period SET closed_at = NULL WHERE id = {closed}",
    ],
    8: [
        "UPDATE ledger_entry SET issued_at = '2020-01-01' WHERE id = {entry}",
        "UPDATE ledger_numbervoided SET reason = 'another' WHERE entry_id = {void}",
        "DELETE FROM ledger_numbervoided WHERE entry_id = {void}",
        "TRUNCATE ledger_numbervoided",
    ],
    9: [
        f"{_RAISE}; INSERT INTO ledger_reservation (tenant, series_id, period_id, value, issued_on, document,"
        " actor, checkout_transaction_id, reserved_at) SELECT tenant, series_id, id, last_value, starts_on, '', '', 1,"
        " '2090-01-01' FROM ledger_period WHERE id = {period}"
    ],
}


@pytest.fixture(scope="module")
def places(logins: Logins) -> dict[str, int]:
    """A ledger with everything that the attacks name."""
    series = {
        code: define_series(code, template=f"{code}-{{year}}-{{counter}}", allocation=allocation, using=FINANCE)
        for code, allocation in (("plain", "serial"), ("shown", "reserved"), ("till", "pooled"), ("old", "serial"))
    }
    with transaction.atomic(using=CHECKOUT):
        first, second, _ = issue_many("plain", documents=["order:1", "order:2", "order:3"], on=DAY, using=CHECKOUT)
        issue("till", on=DAY, using=CHECKOUT)
        issue("old", on=DAY, using=CHECKOUT)
    void(second, reason="returned", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue("shown", on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    sweep(series="shown", grace=timedelta(0), using=WORKERS)
    close_period(opened(series["old"]), early=True, using=FINANCE)
    gap = Entry.objects.using(OWNER).get(series=series["shown"], kind="gap")
    found = {
        "period": opened(series["plain"]).pk,
        "slots": opened(series["till"]).pk,
        "closed": opened(series["old"]).pk,
    }
    return found | {"entry": first.pk, "void": second.pk, "gap": gap.pk}


@contextmanager
def undone(statement: str) -> Iterator[None]:
    """Runs statements as the owner, with the checks of COMMIT, and rolls them back."""
    with transaction.atomic(using=OWNER):
        rows(OWNER, statement.replace("%", "%%"))
        rows(OWNER, "SET CONSTRAINTS ALL IMMEDIATE")
        yield
        transaction.set_rollback(True, using=OWNER)


def broken_rules() -> set[int]:
    """The rules that ``ledger_verify`` finds broken."""
    return {alarm.rule for alarm in verify(using=OWNER) if alarm.rule is not None}


def test_the_table_is_whole() -> None:
    assert [int(line[0]) for line in LINES] == list(range(1, 10)) == list(ATTACKS) == list(HELD_BY)
    assert HEADER[2:] == [*ROLES, "owner of the tables", "superuser"]


@pytest.mark.parametrize("rule", ATTACKS)
@pytest.mark.parametrize("who", ROLES)
def test_a_role_of_a_purpose_writes_no_row_that_would_break_it(who: str, rule: int, places: dict[str, int]) -> None:
    """What it can do by calling functions is tested in the other files of this folder."""
    assert TABLE[rule, who] == ("reported" if (rule, who) == (9, "workers") else "holds")
    for attack in ATTACKS[rule]:
        for statement in attack.format(**places).split("; "):
            assert refusal(ROLES[who], statement.replace("%", "%%")).sqlstate == "42501", statement


def test_workers_who_do_not_sweep_are_told(places: dict[str, int]) -> None:
    with transaction.atomic(using=CHECKOUT):
        issue("shown", on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    assert Reservation.objects.using(OWNER).count() == 1
    for when, is_told in (("now()", False), ("now() - interval '2 hours'", True)):
        columns = "tenant, series_id, period_id, value, issued_on, document, actor, checkout_transaction_id"
        again = f"INSERT INTO ledger_reservation ({columns}, reserved_at) SELECT {columns}, {when} FROM kept"
        with undone(f"CREATE TEMP TABLE kept AS TABLE ledger_reservation; DELETE FROM ledger_reservation; {again}"):
            kinds = {fact.kind for fact in judge(sweeps=(), using=OWNER).facts}
            assert (Kind.RESERVED in kinds) is is_told
            assert (9 in broken_rules()) is is_told
    sweep(series="shown", grace=timedelta(0), using=WORKERS)


@pytest.mark.parametrize("rule", ATTACKS)
def test_the_owner_who_writes_rows(rule: int, places: dict[str, int]) -> None:
    assert broken_rules() == set()
    succeeded, refused = [], set()
    for attack in ATTACKS[rule]:
        try:
            with undone(attack.format(**places)):
                succeeded.append((attack, broken_rules()))
        except DatabaseError as error:
            refused.add(getattr(error.__cause__, "sqlstate", ""))
    # By a guard: restrict_violation, unique_violation, check_violation.
    assert refused <= {"23001", "23505", "23514"}
    word = TABLE[rule, "owner of the tables"]
    if word == "holds":
        assert succeeded == []
    else:
        assert succeeded
        for attack, told in succeeded:
            assert rule in told if word == "reported" else not told, attack


@pytest.mark.parametrize("rule", ATTACKS)
def test_a_guard_that_is_switched_off_is_told(rule: int, places: dict[str, int]) -> None:
    """The owner and a superuser can do this. Rules 4 and 9 can't be checked by the database alone."""
    word = TABLE[rule, "superuser"]
    if word == "no":
        assert rule in (4, 9)
        return
    guards = [name for name in HELD_BY[rule] if not name.startswith("ledger_append_only")]
    guards += [f"{name}@ledger_entry" for name in HELD_BY[rule] if name.startswith("ledger_append_only")]
    for guard in guards:
        with undone(_switched_off(*guard.split("@"))):
            told = [alarm.problem for alarm in verify(using=OWNER) if alarm.rule == 8]
            assert any(guard.partition("@")[0] in problem for problem in told), guard


def _switched_off(name: str, table: str | None = None) -> str:
    """The statement that takes a trigger, a constraint or an index away."""
    found: list[tuple[Any, ...]] = rows(
        OWNER,
        "SELECT format('ALTER TABLE %%s DISABLE TRIGGER %%I', tgrelid::regclass, tgname) FROM pg_trigger"
        " WHERE tgname = %s AND (%s::text IS NULL OR tgrelid = to_regclass(%s))"
        " UNION ALL SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I CASCADE', conrelid::regclass, conname)"
        " FROM pg_constraint WHERE conname = %s AND conindid <> 0"
        " UNION ALL SELECT format('DROP INDEX %%I', c.relname) FROM pg_class c JOIN pg_index x ON x.indexrelid = c.oid"
        " WHERE c.relname = %s AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)",
        [name, table, table, name, name],
    )
    assert len(found) == 1, (name, found)
    return str(found[0][0])
