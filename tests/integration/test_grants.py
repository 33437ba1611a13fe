"""``ledger_grants``: a role with the least privilege issues, voids and looks, and can do nothing else."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings
from psycopg import sql

from ledger import close_period, define_series, issue, issue_many, open_period, preview, remote, void
from ledger.errors import GrantError, NotGranted
from ledger.gaps import GapRange, declare, explain, sweep
from ledger.grants import check_name
from ledger.models import Allocation, Entry, GapExplained, NumberIssued, Period
from ledger.models.tables import all_tables, event_tables
from ledger.reconciliation import Books, acknowledge, compare, count_confirmed, findings
from ledger.reconciliation.mirror import Habits, begin, save_page
from ledger.verification import verify
from tests.allocations import ALL
from tests.databases import database_alias, manage, migrated_database, with_user
from tests.drafted import claimed, stock
from tests.integration.mirrored import Paper
from workers.accounting.base import RemoteInvoice, State
from workers.accounting.credentials import Credentials, System
from workers.accounting.limits import Admitted, Limits
from workers.accounting.quota import SharedLimiter
from workers.accounting.secrecy import Secret
from workers.accounting.token_store import Token
from workers.accounting.tokens import SharedTokens
from workers.writing_back.queue import PushQueue

OWNER, APP, ADMIN, WORKERS = "granting", "granted", "administering", "working"
DAY = date(2025, 5, 5)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with migrated_database("folio_grants") as url:
        yield url


@pytest.fixture(scope="module")
def owner(url: str, django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    with database_alias(OWNER, url) as connection, django_db_blocker.unblock():
        yield connection


@pytest.fixture(scope="module")
def roles(owner: BaseDatabaseWrapper, url: str) -> Iterator[dict[str, str]]:
    """Three roles with names that need quoting, and how they log in."""
    mark = secrets.token_hex(4)
    names = {APP: f'Shop "app" {mark}', ADMIN: f"shop-admin-{mark}", WORKERS: f"shop-workers-{mark}"}
    passwords = {alias: secrets.token_hex(8) for alias in names}
    with psycopg.connect(url, autocommit=True) as connection:
        for alias, name in names.items():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), passwords[alias])
            )
        # More than it should have, so that it is taken away.
        connection.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(names[APP])))
    call_command("ledger_grants", database=OWNER, role=names[APP], apply=True, stdout=StringIO())
    call_command("ledger_grants", database=OWNER, role=names[ADMIN], apply=True, admin=True, stdout=StringIO())
    call_command("ledger_grants", database=OWNER, role=names[WORKERS], apply=True, workers=True, stdout=StringIO())
    yield names | {f"{alias} url": with_user(url, names[alias], passwords[alias]) for alias in names}
    owner.close()
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names.values():
            connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(*[sql.Identifier(name)] * 2))


@pytest.fixture(scope="module")
def app(roles: dict[str, str]) -> Iterator[BaseDatabaseWrapper]:
    with database_alias(APP, roles[f"{APP} url"]) as connection:
        yield connection


@pytest.fixture(scope="module")
def admin(roles: dict[str, str]) -> Iterator[BaseDatabaseWrapper]:
    with database_alias(ADMIN, roles[f"{ADMIN} url"]) as connection:
        yield connection


def test_the_application_does_its_work(app: BaseDatabaseWrapper) -> None:
    """On the first day too: the series and its periods are made on first use."""
    with transaction.atomic(using=APP):
        first = issue("invoice", org="new", document="order:1", on=DAY, using=APP)
        assert issue("invoice", org="new", document="order:1", on=DAY, using=APP) == first
        block = issue_many("invoice", documents=["a", "b", "c"], org="new", on=DAY, using=APP)
        issue("ticket", org="new", using=APP)
        void(block[1], reason="reversed", by="clerk", using=APP)
    assert [str(entry) for entry in (first, *block)] == [f"INV-2025-00000{n}" for n in (1, 2, 3, 4)]
    assert preview("invoice", org="new", on=DAY, using=APP) == "INV-2025-000005"
    assert NumberIssued.objects.using(APP).filter(voids__isnull=False).count() == 1


def test_a_deployment_may_say_again_what_a_series_is(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper) -> None:
    made = define_series("said-again", template="SA{year}-{counter}", chronological=True, using=OWNER)
    assert define_series("said-again", template="SA{year}-{counter}", chronological=True, using=APP) == made
    with pytest.raises(NotGranted, match="--admin"):
        define_series("said-again", template="SB{year}-{counter}", using=APP)
    made.refresh_from_db()
    assert made.template == "SA{year}-{counter}"


def test_a_command_tells_what_a_role_lacks(roles: dict[str, str], url: str) -> None:
    done = manage("ledger_series", "create", "no-more", "--template", "NM{year}-{counter}", url=roles[f"{APP} url"])
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The role of this connection may not do what series 'no-more' needs")
    reader, password = f"reader-{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(reader), password))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(reader)))
        done = manage("ledger_gaps", url=with_user(url, reader, password))
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(reader)))
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The role of this connection may not do what the command needs")


def test_chronology_works_too(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper) -> None:
    define_series("dated", template="D{year}-{counter:03}", chronological=True, using=OWNER)
    with transaction.atomic(using=APP):
        issue("dated", document="a", on=DAY, using=APP)
    period = Period.objects.using(APP).get(prefix="D2025-")
    assert (period.last_value, period.last_issued_on) == (1, DAY)


def check_out_and_sweep(allocation: str, code: str) -> None:
    """All that an application does with a series of this allocation, also where a checkout rolls back."""
    with transaction.atomic(using=APP):
        assert issue(code, on=DAY, document="kept", using=APP).value == 1
        with transaction.atomic(using=APP):
            issue(code, on=DAY, using=APP)
            transaction.set_rollback(True, using=APP)
    with transaction.atomic(using=APP):
        issue(code, on=DAY, document="left", using=APP)
        transaction.set_rollback(True, using=APP)
    with transaction.atomic(using=APP):
        block = issue_many(code, documents=[f"block:{n}" for n in range(20)], on=DAY, using=APP)
        str(block[0])
    burnt = 2 if allocation == "reserved" else 0
    assert [entry.value for entry in block] == list(range(2 + burnt, 22 + burnt))
    assert preview(code, on=DAY, using=APP).endswith(f"{22 + burnt}")
    assert sweep(series=code, grace=timedelta(0), using=APP).flagged == burnt
    for gap in Entry.objects.using(APP).filter(series__code=code, kind="gap"):
        explain(gap, explanation="card refused", using=APP)
        declare([GapRange(gap.period, gap.value, gap.value)], authority="BR NF-e", reference="135", using=APP)
    assert GapExplained.objects.using(APP).filter(entry__series__code=code).count() == burnt
    assert not list(verify(series=code, using=APP))


@pytest.mark.parametrize("allocation", Allocation.values)
def test_every_allocation_works(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper, allocation: str) -> None:
    template = f"{allocation}-{{year}}-{{counter}}"
    system = "books" if allocation == "remote" else ""
    series = define_series(allocation, template=template, allocation=allocation, system=system, using=OWNER)
    if allocation == "remote":
        # As the worker does it, whose role is no other.
        stock(series, [f"draft {n}" for n in range(1, 25)], day=DAY, using=APP)
        [first, *_] = remote.free_drafts(claimed(series, APP), using=APP)
        with transaction.atomic(using=APP):
            assert remote.withdraw(first, {"state": "deleted"}, using=APP) == "withdrawn"
            transaction.set_rollback(True, using=APP)
    check_out_and_sweep(allocation, allocation)


def test_a_hole_is_reported_and_healed(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper) -> None:
    define_series("till", template="T{year}-{counter}", allocation="pooled", using=OWNER)
    with transaction.atomic(using=APP):
        first = issue("till", on=DAY, using=APP)
    with transaction.atomic(using=OWNER):
        with owner.cursor() as cursor:
            cursor.execute("SELECT FROM ledger_slot WHERE period_id = %s AND value = 2 FOR UPDATE", [first.period_id])
        with transaction.atomic(using=APP):
            assert issue("till", on=DAY, using=APP).value == 3
    swept = sweep(series="till", grace=timedelta(0), using=APP)
    assert (swept.healing, swept.reported) == (1, 1)
    with transaction.atomic(using=APP):
        assert issue("till", on=DAY, using=APP).value == 2


def test_the_application_reconciles(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper) -> None:
    with transaction.atomic(using=APP):
        issue("invoice", org="reconciled", document="order:1", on=DAY, using=APP)
    books = Books("books", tenant="reconciled", grace=timedelta(0))
    habits = Habits(overlap=timedelta(minutes=5), full_every=timedelta(days=7))
    for papers, kinds in (
        ([], {"missing"}),
        ([Paper("1", "INV-2025-000001", issued_on=DAY), Paper("2", "X")], {"unknown"}),
        ([Paper("1", "INV-2025-000001", issued_on=DAY)], set()),
    ):
        reading = begin(books, habits, full=True, using=APP)
        save_page(books, reading, papers, next_cursor=None, using=APP)
        compare(books, using=APP)
        assert {finding.kind for finding in findings(tenant="reconciled", using=APP)} == kinds
        for finding in findings(tenant="reconciled", using=APP):
            acknowledge(finding, reason="a test", using=APP)
    assert count_confirmed(org="reconciled", using=APP) == 1


WORKERS_TABLES = [
    "ledger_workers_sealedtoken",
    "ledger_workers_quota",
    "ledger_workers_push",
    "ledger_workers_pushposition",
]

#: The queues that checkouts take rows from, and the diary of the sweeps.
COME_AND_GO = (
    *("ledger_slot", "ledger_reservation", "ledger_ticket", "ledger_sweeprun", "ledger_sweepbatch"),
    "ledger_pendingcomparison",
)

REFUSED = [
    *(f"UPDATE {table} SET tenant = tenant" for table in event_tables()),
    *(f"DELETE FROM {table}" for table in all_tables() if table not in COME_AND_GO),
    "UPDATE ledger_slot SET period_id = period_id",
    "UPDATE ledger_reservation SET document = ''",
    "UPDATE ledger_ticket SET documents = documents",
    "UPDATE ledger_pool SET period_id = period_id",
    "UPDATE ledger_scanposition SET tenant = tenant",
    "UPDATE ledger_sweeprun SET sweep = sweep",
    "UPDATE ledger_pendingcomparison SET subject = subject",
    "UPDATE ledger_remotedocument SET remote_id = remote_id",
    "UPDATE ledger_remotereading SET system = system",
    "UPDATE ledger_sweepbatch SET number = number",
    "SELECT setval('ledger_entry_id_seq', 1)",
    *(f"TRUNCATE {table} CASCADE" for table in all_tables()),
    *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in all_tables()),
    *(f"DROP TABLE {table}" for table in all_tables()),
    *(f"DROP TRIGGER ledger_append_only_rows ON {table}" for table in event_tables()),
    *(
        f"CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION ledger_refuse_change()"
        for table in all_tables()
    ),
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "SELECT * FROM ledger_entry FOR UPDATE",
    "UPDATE ledger_period SET closed_at = NULL",
    "UPDATE ledger_period SET prefix = 'X'",
    "UPDATE ledger_series SET template = 'X'",
    "CREATE TABLE mine (entry bigint REFERENCES ledger_entry)",
    "ALTER TABLE ledger_entry OWNER TO CURRENT_USER",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_nothing_else_is_allowed(app: BaseDatabaseWrapper, statement: str) -> None:
    with pytest.raises(ProgrammingError) as raised, app.cursor() as cursor:
        cursor.execute(statement)
    assert raised.value.__cause__.sqlstate == "42501"  # type: ignore[union-attr]


@pytest.mark.parametrize("alias", [APP, ADMIN])
@pytest.mark.parametrize("table", WORKERS_TABLES)
def test_tokens_and_pushes_are_nobodys_business_but_the_workers(
    owner: BaseDatabaseWrapper, roles: dict[str, str], alias: str, table: str
) -> None:
    """The application's role was given everything before, and it was taken away."""
    with owner.cursor() as cursor:
        cursor.execute(
            "SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p"
            " WHERE has_any_column_privilege(%(role)s, %(table)s, p)"
            " UNION ALL SELECT p FROM unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) p"
            " WHERE has_table_privilege(%(role)s, %(table)s, p)",
            {"role": roles[alias], "table": table},
        )
        assert cursor.fetchall() == []


def test_the_workers_renew_tokens_count_and_push(roles: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the workers write themselves, by their own functions, and with no more than their role may."""
    monkeypatch.setenv("LEDGER_TOKEN_KEYS", Fernet.generate_key().decode())
    now = datetime(2026, 3, 1, tzinfo=UTC)
    system = System("books", "xero", Credentials("books", {}), tenant="pushed", series=("invoice",), push=True)
    there = RemoteInvoice("7", "INV-2025-000001", State.POSTED, DAY, "order:1", None)
    with (
        database_alias(WORKERS, roles[f"{WORKERS} url"]) as connection,
        override_settings(DATABASE_ROUTERS=[EverythingTo(WORKERS)]),
    ):
        with SharedTokens().hold("books") as hold:
            hold.renewed = Token(Secret("access"), Secret("refresh"), now, now, "origin")
        limiter = SharedLimiter("xero:org-1", Limits(concurrent=2))
        admitted = limiter.take(now)
        assert isinstance(admitted, Admitted)
        limiter.give_back(admitted.ticket)
        with transaction.atomic(using=WORKERS):
            entries = issue_many("invoice", documents=["order:1", "b"], org="pushed", on=DAY, using=WORKERS)
        queue = PushQueue(system, WORKERS)
        assert queue.look() == (2, 0)
        first = queue.claim(now)
        assert first is not None
        assert queue.pushed(first, there)
        void(entries[0], reason="reversed", using=WORKERS)
        assert queue.look() == (0, 1)
        again = queue.claim(now)
        assert again is not None
        assert queue.cancelled(again, there)
        other = queue.claim(now)
        assert other is not None
        assert queue.conflict(other, there, {"number": "X"})
        assert queue.retry() == 1
        queue.note("")
        assert sorted(queue.rows().values_list("state", flat=True)) == ["cancelled", "waiting"]
        for statement in (
            "DELETE FROM ledger_workers_push",
            "UPDATE ledger_workers_push SET number = 'X'",
            "UPDATE ledger_workers_sealedtoken SET system = 'other'",
            "TRUNCATE ledger_workers_quota",
            "UPDATE ledger_entry SET actor = ''",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(statement)


class EverythingTo:
    """What names no database goes to this one."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self.alias

    db_for_write = db_for_read


def test_a_temporary_table_does_not_pose_as_the_ledgers_own(app: BaseDatabaseWrapper) -> None:
    """PostgreSQL looks into a role's temporary tables first, in a trigger too, unless its function says otherwise."""
    with transaction.atomic(using=APP), app.cursor() as cursor:
        entry = issue("invoice", org="shadow", on=DAY, using=APP)
        cursor.execute("CREATE TEMPORARY TABLE ledger_period ON COMMIT DROP AS SELECT * FROM ledger_period")
        cursor.execute("UPDATE ledger_period SET last_value = 999")
        try:
            with pytest.raises(IntegrityError, match="never gave out that value"), transaction.atomic(using=APP):
                cursor.execute(
                    "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on,"
                    " actor, metadata) VALUES ('shadow', %s, %s, 777, 'issued', 'INV-2025-000777', '', %s, '', '{}')",
                    [entry.series_id, entry.period_id, DAY],
                )
        finally:
            transaction.set_rollback(True, using=APP)


def test_of_the_sequences_only_that_of_the_entries_may_be_used(
    owner: BaseDatabaseWrapper, roles: dict[str, str]
) -> None:
    """Identity columns need no privilege; at_commit names the ids of entries beforehand."""
    with owner.cursor() as cursor:
        cursor.execute(
            "SELECT q.relname, p FROM pg_class q, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p"
            " WHERE q.relkind = 'S' AND starts_with(q.relname, 'ledger_') AND has_sequence_privilege(%s, q.oid, p)",
            [roles[ADMIN]],
        )
        assert cursor.fetchall() == [("ledger_entry_id_seq", "USAGE")]


def test_the_administrator_defines_opens_and_closes(admin: BaseDatabaseWrapper) -> None:
    series = define_series("credit", template="CN{year}-{counter:03}", using=ADMIN)
    define_series("credit", chronological=True, using=ADMIN)
    period = open_period(series, date(2020, 1, 1), using=ADMIN)
    assert close_period(period, using=ADMIN).closed_at is not None
    for allocation in ("pooled", "reserved"):
        series = define_series("credit", chronological=False, allocation=allocation, using=ADMIN)
        with transaction.atomic(using=ADMIN):
            entry = issue("credit", on=date(2021 if allocation == "pooled" else 2022, 1, 1), using=ADMIN)
        assert close_period(entry.period, using=ADMIN).closed_at is not None
    for statement in (
        "DELETE FROM ledger_series",
        "UPDATE ledger_entry SET actor = ''",
        "TRUNCATE ledger_period CASCADE",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), admin.cursor() as cursor:
            cursor.execute(statement)


def adopted(admin: BaseDatabaseWrapper, folder: Path, code: str) -> int:
    """How many numbers the administrator's role takes over from a file."""
    file = folder / "old.csv"
    file.write_text(f"number,issued_at\n{code}-7,2019-05-05\n{code}-9,2019-05-06\n")
    call_command(
        *("ledger_adopt", str(file), "--series", code, "--template", f"{code}{{year}}-{{counter:03}}"),
        *("--pattern", r"^\w+-(?P<counter>\d+)$", "--database", ADMIN),
        stdout=StringIO(),
    )
    return Entry.objects.using(ADMIN).filter(series__code=code).count()


def test_the_administrator_adopts(admin: BaseDatabaseWrapper, tmp_path: Path) -> None:
    assert adopted(admin, tmp_path, "old") == 2


def test_the_check_warns_the_owner_alone(owner: BaseDatabaseWrapper, app: BaseDatabaseWrapper) -> None:
    def warned(alias: str) -> set[str | None]:
        return {message.id for message in run_checks(tags=["database"], databases=[alias])}

    assert "ledger.W001" in warned(OWNER)
    assert "ledger.W001" not in warned(APP)


def test_printed_statements_do_the_same(owner: BaseDatabaseWrapper, roles: dict[str, str], url: str) -> None:
    out = StringIO()
    call_command("ledger_grants", database=OWNER, role=roles[APP], stdout=out)
    with psycopg.connect(url, autocommit=True) as connection:
        before = _privileges(connection)
        connection.execute(
            sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(sql.Identifier(roles[APP]))
        )
        assert _privileges(connection) != before
        connection.execute(out.getvalue())
        assert _privileges(connection) == before


def _privileges(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(
        "SELECT table_name, column_name, grantee, privilege_type FROM information_schema.column_privileges"
        " WHERE table_name = ANY (%s) ORDER BY 1, 2, 3, 4",
        [all_tables()],
    ).fetchall()


def test_json_and_revoke_public(owner: BaseDatabaseWrapper, roles: dict[str, str]) -> None:
    out = StringIO()
    call_command("ledger_grants", database=OWNER, role=roles[APP], json=True, revoke_public=True, stdout=out)
    document = json.loads(out.getvalue())
    assert (document["role"], document["applied"]) == (roles[APP], False)
    statements = [statement["sql"] for statement in document["statements"]]
    assert any(text.startswith("REVOKE TEMPORARY ON DATABASE") for text in statements)
    assert all(statement["why"] for statement in document["statements"])


def test_revoke_public_keeps_the_application_at_work(
    owner: BaseDatabaseWrapper,
    app: BaseDatabaseWrapper,
    admin: BaseDatabaseWrapper,
    roles: dict[str, str],
    tmp_path: Path,
) -> None:
    for name, is_admin in ((roles[APP], False), (roles[ADMIN], True)):
        call_command(
            "ledger_grants",
            database=OWNER,
            role=name,
            apply=True,
            admin=is_admin,
            revoke_public=True,
            stdout=StringIO(),
        )
    app.close()
    with transaction.atomic(using=APP):
        entry = issue("invoice", org="after", on=DAY, using=APP)
        issue_many("invoice", documents=["a", "b"], org="after", on=DAY, using=APP)
        void(entry, reason="reversed", using=APP)
    for allocation in ALL:
        define_series(
            f"{allocation}-2", template=f"{allocation}2-{{year}}-{{counter}}", allocation=allocation, using=OWNER
        )
        check_out_and_sweep(allocation, f"{allocation}-2")
    with pytest.raises(ProgrammingError, match="permission denied"), app.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE ledger_period ()")
    assert adopted(admin, tmp_path, "older") == 2


def test_roles_that_grants_would_not_bind(owner: BaseDatabaseWrapper, roles: dict[str, str], url: str) -> None:
    with psycopg.connect(url) as connection:
        superuser = connection.info.user
    for role, told in (("no such role", "There is no role"), (superuser, "is a superuser"), ("PUBLIC", "everybody")):
        with pytest.raises(CommandError, match=told) as raised:
            call_command("ledger_grants", database=OWNER, role=role, apply=True, stdout=StringIO())
        assert raised.value.returncode == 1
    out, error = StringIO(), StringIO()
    call_command("ledger_grants", database=OWNER, role="no such role", stdout=out, stderr=error)
    assert 'GRANT SELECT, INSERT ON TABLE "public".' in out.getvalue()
    assert 'CREATE ROLE "no such role"' in error.getvalue()


def test_what_a_role_has_by_another_way_is_refused(owner: BaseDatabaseWrapper, roles: dict[str, str], url: str) -> None:
    membership = sql.SQL("GRANT pg_write_all_data TO {}").format(sql.Identifier(roles[APP]))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(membership)
        try:
            with pytest.raises(CommandError, match="would keep DELETE, UPDATE on ledger_adoptedgap"):
                call_command("ledger_grants", database=OWNER, role=roles[APP], apply=True, stdout=StringIO())
        finally:
            connection.execute(sql.SQL("REVOKE pg_write_all_data FROM {}").format(sql.Identifier(roles[APP])))


@pytest.mark.parametrize("name", ["", "public", "a\0b", "x" * 64])
def test_impossible_names(name: str) -> None:
    with pytest.raises(GrantError):
        check_name(name)
