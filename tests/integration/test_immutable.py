"""What the database itself refuses to everybody: the owner, a superuser, and replica mode."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, InternalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ProtectedError, RestrictedError

from ledger import add_reference, authorise, close_period, define_series, issue, issue_many, void
from ledger.models import (
    AdoptedGap,
    Adoption,
    AlarmAcknowledged,
    AlarmRaised,
    AlarmResolved,
    DraftCancelled,
    DraftMade,
    Entry,
    FindingAcknowledged,
    FindingRaised,
    FindingResolved,
    GapDeclared,
    GapExplained,
    HoleHealed,
    HoleReported,
    NumberIssued,
    Period,
    SealAnchored,
    Series,
    TenantAccess,
)
from ledger.models.tables import ACCESS, CHANGING, DIARY, MIRROR, QUEUES, STAGING, event_models, event_tables
from ledger.seals.sealing import seal
from tests.databases import database_alias, migrated_database
from tests.drafts import remote_series, stock

ALIAS = "immutable"
DAY = date(2025, 5, 5)
RESTRICT, CHECK = "23001", "23514"


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    """A plain database, TRUNCATE refused, with one row or more in every event table."""
    with (
        migrated_database("folio_immutable") as url,
        database_alias(ALIAS, url) as connection,
        django_db_blocker.unblock(),
    ):
        fill()
        yield connection


def fill() -> None:
    with transaction.atomic(using=ALIAS):
        issue("ticket", org="other", using=ALIAS)
        block = issue_many("invoice", documents=["a", "b", "c"], org="acme", on=DAY, using=ALIAS)
        void(block[0], reason="wrong", using=ALIAS)
        add_reference(block[1], authority="PL KSeF", reference="K-1", using=ALIAS)
        define_series("granted", org="acme", template="{label}{counter}", calendar="explicit", using=ALIAS)
        facts: dict[str, Any] = {
            "authority": "UY DGI",
            "reference": "1",
            "prefix": "CAE",
            "valid_from": DAY,
            "using": ALIAS,
        }
        close_period(authorise("granted", org="acme", first=1, last=9, **facts).period, early=True, using=ALIAS)
        period = block[0].period
        adoption = Adoption.objects.using(ALIAS).create(
            tenant="acme", series=period.series, source="old.csv", digest="", rows=1
        )
        gap = AdoptedGap.objects.using(ALIAS).create(
            tenant="acme", adoption=adoption, period=period, first_value=1, last_value=1
        )
        GapExplained.objects.using(ALIAS).create(tenant="acme", adopted_gap=gap, explanation="printer jam")
        hole = HoleReported.objects.using(ALIAS).create(tenant="acme", period=period, value=1)
        HoleHealed.objects.using(ALIAS).create(
            tenant="acme", hole=hole, entry=Entry.objects.using(ALIAS).earliest("pk")
        )
        finding = FindingRaised.objects.using(ALIAS).create(
            tenant="acme", system="books", kind="gap", subject=block[0].number, number=block[0].number, entry=block[0]
        )
        FindingResolved.objects.using(ALIAS).create(tenant="acme", finding=finding)
        FindingAcknowledged.objects.using(ALIAS).create(tenant="acme", finding=finding, reason="seen")
        old = issue("invoice", org="acme", on=date(2024, 5, 5), using=ALIAS)
        Period.objects.using(ALIAS).filter(pk=old.period_id).update(last_value=2)
        Entry.objects.using(ALIAS).create(
            tenant="acme",
            series=old.series,
            period=old.period,
            value=2,
            kind="gap",
            number="INV-2024-000002",
            issued_on=old.issued_on,
        )
        GapDeclared.objects.using(ALIAS).create(
            tenant="acme", period=old.period, first_value=2, last_value=2, authority="BR NF-e", reference="1"
        )
        close_period(old.period, using=ALIAS)
        stock(remote_series("drafted", org="acme", using=ALIAS), ["B-9"], day=DAY, using=ALIAS)
        draft = DraftMade.objects.using(ALIAS).get()
        DraftCancelled.objects.using(ALIAS).create(tenant="acme", draft=draft, state="deleted")
        over, known = (
            AlarmRaised.objects.using(ALIAS).create(
                tenant="acme", kind="void-twice", rule=5, problem="it is void already", remedy="see", subject=f"{n:064}"
            )
            for n in range(2)
        )
        AlarmResolved.objects.using(ALIAS).create(tenant="acme", alarm=over)
        AlarmAcknowledged.objects.using(ALIAS).create(tenant="acme", alarm=known, reason="known")
        TenantAccess.objects.using(ALIAS).create(tenant="acme", user="auth.user:7")
    made = seal(None, using=ALIAS, first=True)
    assert made is not None
    SealAnchored.objects.using(ALIAS).create(seal_id=made.id, kind="host", token="noted")


@pytest.fixture(params=["origin", "replica"])
def mode(request: pytest.FixtureRequest, database: BaseDatabaseWrapper) -> Iterator[str]:
    with database.cursor() as cursor:
        cursor.execute(f"SET session_replication_role = {request.param}")
        yield request.param
        cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def run(database: BaseDatabaseWrapper) -> Callable[..., None]:
    def execute(statement: str, *arguments: Any) -> None:
        with transaction.atomic(using=ALIAS), database.cursor() as cursor:
            cursor.execute(statement, arguments)

    return execute


def refused(run: Callable[..., None], statement: str, *arguments: Any, state: str, told: str = "") -> None:
    with pytest.raises((IntegrityError, InternalError), match=told) as raised:
        run(statement, *arguments)
    assert raised.value.__cause__.sqlstate == state  # type: ignore[union-attr]


def test_every_other_model_is_an_event() -> None:
    assert len(event_tables()) == 24
    assert {model._meta.model_name for model in CHANGING} == {"series", "period", "defaultseries"}
    queues = {"slot", "pool", "reservation", "ticket", "scanposition", "remotepool"}
    assert {model._meta.model_name for model in QUEUES} == queues
    mirror = {"remotedocument", "remotereading", "pendingcomparison", "expecteddocument"}
    assert {model._meta.model_name for model in MIRROR} == mirror
    assert {model._meta.model_name for model in DIARY} == {"sweeprun", "sweepbatch"}
    assert {model._meta.model_name for model in ACCESS} == {
        "tenantaccess",
        "tenantbinding",
        "rolepurpose",
        "tenantmove",
    }
    assert {model._meta.model_name for model in STAGING} == {"adoptingrow", "adoptingday"}


@pytest.mark.parametrize("model", event_models(), ids=event_tables())
def test_events_never_change(run: Callable[..., None], mode: str, model: Any) -> None:
    table = model._meta.db_table
    assert model._base_manager.using(ALIAS).exists()
    for field in model._meta.concrete_fields:
        refused(
            run,
            f'UPDATE {table} SET "{field.column}" = "{field.column}"',
            state=RESTRICT,
            told=f"{table} is append-only: UPDATE",
        )
    refused(run, f"DELETE FROM {table}", state=RESTRICT, told=f"{table} is append-only: DELETE")
    refused(run, f"TRUNCATE {table} CASCADE", state=RESTRICT, told="is append-only: TRUNCATE")
    if model is not Entry:  # whose own guard refuses the copy first
        upsert = f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET tenant = 'x'"
        refused(run, upsert, state=RESTRICT, told="UPDATE")
    refused(
        run,
        f"MERGE INTO {table} t USING {table} s ON s.id = t.id WHEN MATCHED THEN DELETE",
        state=RESTRICT,
        told="DELETE",
    )


@pytest.mark.parametrize("table", event_tables())
def test_each_table_refuses_truncate_by_itself(database: BaseDatabaseWrapper, table: str) -> None:
    """With the other tables' triggers gone, which would refuse a CASCADE in its place."""
    with transaction.atomic(using=ALIAS), database.cursor() as cursor:
        for other in set(event_tables()) - {table}:
            cursor.execute(f"DROP TRIGGER ledger_append_only_table ON {other}")
        with pytest.raises(IntegrityError, match=f"{table} is append-only: TRUNCATE"), transaction.atomic(using=ALIAS):
            cursor.execute(f"TRUNCATE {', '.join(event_tables())}")
        transaction.set_rollback(True, using=ALIAS)


@pytest.mark.parametrize("parent", ["ledger_series", "ledger_period", "ledger_adoption", "ledger_entry"])
def test_truncating_what_events_point_to_is_refused(run: Callable[..., None], mode: str, parent: str) -> None:
    refused(run, f"TRUNCATE {parent} CASCADE", state=RESTRICT, told="is append-only: TRUNCATE")


@pytest.mark.parametrize("model", event_models(), ids=event_tables())
def test_the_orm_is_refused_too(database: BaseDatabaseWrapper, model: Any) -> None:
    rows = model._base_manager.using(ALIAS)
    with pytest.raises(DatabaseError, match="append-only: UPDATE"):
        rows.update(tenant="x")
    with pytest.raises((DatabaseError, ProtectedError, RestrictedError)):
        rows.all().delete()
    one = rows.first()
    with pytest.raises(DatabaseError, match="append-only: UPDATE"):
        one.save()
    with pytest.raises(DatabaseError, match="append-only: DELETE"):
        rows.filter(pk=one.pk)._raw_delete(ALIAS)


def test_the_triggers_hold_for_a_role_that_owns_the_tables_and_is_no_superuser(
    run: Callable[..., None], database: BaseDatabaseWrapper
) -> None:
    with transaction.atomic(using=ALIAS), database.cursor() as cursor:
        cursor.execute("CREATE ROLE folio_owner_for_a_moment")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO folio_owner_for_a_moment")
        cursor.execute("ALTER TABLE ledger_entry OWNER TO folio_owner_for_a_moment")
        cursor.execute("SET LOCAL ROLE folio_owner_for_a_moment")
        for statement in ("UPDATE ledger_entry SET actor = 'x'", "DELETE FROM ledger_entry"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(using=ALIAS):
                cursor.execute(statement)
        transaction.set_rollback(True, using=ALIAS)


INSERT = (
    "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, actor, metadata)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', '{}')"
)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"period": -1}, "its period does not exist"),
        ({"tenant": "other"}, "another tenant or series"),
        ({"series": -1}, "another tenant or series"),
        ({"value": 4, "number": "INV-2025-000004"}, "the counter never gave out that value"),
        ({"value": 0, "number": "INV-2025-000000"}, "the counter never gave out that value"),
        ({"day": date(2026, 1, 1)}, "its date lies outside the period"),
        ({"number": "INV-2025-3"}, "not of the period's format"),
        ({"kind": "gap", "number": "INV-2025-3"}, "not of the period's format"),
        ({"value": 3, "kind": "adopted", "number": "inv-2025-000001"}, "a series of the tenant may still give out"),
        ({"closed": True}, "its period is closed"),
        ({"closed": True, "kind": "adopted"}, "its period is closed"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(
    run: Callable[..., None], mode: str, changed: dict[str, Any], told: str
) -> None:
    year = 2024 if changed.get("closed") else 2025
    period = Period.objects.using(ALIAS).get(tenant="acme", prefix=f"INV-{year}-")
    row = {
        "tenant": "acme",
        "series": period.series_id,
        "period": period.pk,
        "value": 1,
        "kind": "issued",
        "number": f"INV-{year}-000001",
        "document": "",
        "day": date(year, 6, 6),
        **{key: value for key, value in changed.items() if key != "closed"},
    }
    refused(run, INSERT, *row.values(), state=CHECK, told=told)


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({}, "ledger_entry_value"),
        ({"value": 2, "kind": "adopted", "number": "X-2"}, "ledger_entry_value"),
        ({"value": 4, "kind": "adopted", "number": "old-7"}, "ledger_entry_number"),
        ({"value": 4, "kind": "adopted", "number": "X-4", "document": "a"}, "ledger_entry_document"),
    ],
)
def test_nothing_is_given_twice(run: Callable[..., None], mode: str, changed: dict[str, Any], constraint: str) -> None:
    period = Period.objects.using(ALIAS).get(tenant="acme", prefix="INV-2025-")
    row = {
        "tenant": "acme",
        "series": period.series_id,
        "period": period.pk,
        "value": 1,
        "kind": "issued",
        "number": "INV-2025-000001",
        "document": "",
        "day": DAY,
        **changed,
    }

    def insert_above_the_counter(statement: str, *arguments: Any) -> None:
        with transaction.atomic(using=ALIAS):
            run("UPDATE ledger_period SET last_value = 9 WHERE id = %s", period.pk)
            run(INSERT, "acme", period.series_id, period.pk, 9, "adopted", "OLD-7", "", DAY)
            run(statement, *arguments)

    refused(insert_above_the_counter, INSERT, *row.values(), state="23505", told=constraint)


def test_a_gap_bears_no_document(run: Callable[..., None], mode: str) -> None:
    period = Period.objects.using(ALIAS).get(tenant="acme", prefix="INV-2025-")
    values = ("acme", period.series_id, period.pk, 3, "gap", "INV-2025-000003", "z", DAY)
    refused(run, INSERT, *values, state=CHECK, told="a gap has no document")
    odd = (*values[:4], "odd", *values[5:])
    refused(run, INSERT, *odd, state=CHECK, told="its kind is unknown")


def test_a_counter_keeps_its_bounds(run: Callable[..., None], mode: str) -> None:
    for value, width in ((-5, 4), (10**9, 4), (1, 0)):
        made = (
            "INSERT INTO ledger_period (tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, "
            "last_value, max_value) SELECT tenant, series_id, '2001-01-01', '2001-12-31', 'X', %s, '', 1, %s, 9999 "
            "FROM ledger_period WHERE prefix = 'INV-2025-'"
        )
        refused(run, made, width, value, state=CHECK, told="out of range")
    beyond = "UPDATE ledger_period SET max_value = 9, last_value = 10 WHERE prefix = 'INV-2025-'"
    refused(run, beyond, state=CHECK, told="out of range")
    below = "UPDATE ledger_period SET last_value = first_value - 2 WHERE prefix = 'INV-2025-'"
    refused(run, below, state=CHECK, told="it runs from")
    backwards = (
        "INSERT INTO ledger_period (tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, "
        "last_value, max_value) SELECT tenant, series_id, '2001-01-02', '2001-01-01', 'X', 4, '', 1, 0, 9999 "
        "FROM ledger_period WHERE prefix = 'INV-2025-'"
    )
    with pytest.raises(DatabaseError, match="range lower bound must be less than"):
        run(backwards)


def test_a_void_names_a_number_of_its_tenant(run: Callable[..., None], mode: str) -> None:
    theirs = NumberIssued.objects.using(ALIAS).get(tenant="other")
    insert = (
        "INSERT INTO ledger_numbervoided (tenant, entry_id, reason, replacement, actor) VALUES (%s, %s, 'x', '', '')"
    )
    refused(run, insert, "acme", theirs.pk, state=CHECK, told="not an issued number of tenant 'acme'")
    refused(run, insert, "acme", -1, state=CHECK, told="not an issued number")
    voided = NumberIssued.objects.using(ALIAS).get(document="a")
    refused(run, insert, "acme", voided.pk, state="23505", told="ledger_numbervoided_once")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("last_value = 2", "may not fall from 3 to 2"),
        ("last_value = first_value - 1", "may not fall from 3 to 0"),
        ("prefix = 'X'", "cannot change"),
        ("suffix = 'X'", "cannot change"),
        ("width = 2", "cannot change"),
        ("first_value = 0", "cannot change"),
        ("starts_on = '2025-01-02'", "cannot change"),
        ("ends_on = '2025-12-30'", "cannot change"),
    ],
)
def test_a_period_with_entries_keeps_its_shape(run: Callable[..., None], mode: str, change: str, told: str) -> None:
    refused(run, f"UPDATE ledger_period SET {change} WHERE prefix = 'INV-2025-'", state=RESTRICT, told=told)


def test_a_period_with_entries_stays(run: Callable[..., None], mode: str) -> None:
    refused(run, "DELETE FROM ledger_period WHERE tenant = 'other'", state=RESTRICT, told="it cannot be deleted")


def test_a_period_is_of_its_series_tenant(run: Callable[..., None], mode: str) -> None:
    told = "does not belong to tenant 'other'"
    refused(run, "UPDATE ledger_period SET tenant = 'other' WHERE prefix = 'INV-2025-'", state=CHECK, told=told)
    copied = (
        "INSERT INTO ledger_period (tenant, series_id, starts_on, ends_on, prefix, width, suffix, first_value, "
        "last_value, max_value) SELECT 'other', series_id, '2001-01-01', '2001-12-31', 'X', 4, '', 1, 0, 9999 "
        "FROM ledger_period WHERE prefix = 'INV-2025-'"
    )
    refused(run, copied, state=CHECK, told=told)


@pytest.mark.parametrize(
    "change",
    [
        "closed_at = NULL",
        "closed_at = now()",
        "last_value = last_value - 1",
        "last_value = 0",
        "max_value = 5",
        "prefix = 'X'",
    ],
)
def test_a_closed_period_never_changes(run: Callable[..., None], mode: str, change: str) -> None:
    refused(
        run,
        f"UPDATE ledger_period SET {change} WHERE prefix = 'INV-2024-'",
        state=RESTRICT,
        told="closed and cannot change",
    )


@pytest.mark.parametrize("change", ["tenant = 'new'", "code = 'new'"])
def test_a_series_with_periods_keeps_its_name(run: Callable[..., None], mode: str, change: str) -> None:
    refused(
        run,
        f"UPDATE ledger_series SET {change} WHERE tenant = 'other'",
        state=RESTRICT,
        told="tenant and code cannot change",
    )


def test_what_has_no_entries_may_still_change(database: BaseDatabaseWrapper) -> None:
    with transaction.atomic(using=ALIAS):
        series = Series.objects.using(ALIAS).create(
            code="s", template="S{counter:02}", calendar="never", time_zone="UTC"
        )
        Series.objects.using(ALIAS).filter(pk=series.pk).update(code="t")
        period = Period.of(series, Period.objects.using(ALIAS).get(tenant="other").as_span())
        period.save(using=ALIAS)
        period.delete(using=ALIAS)
        period.pk = None
        period.save(using=ALIAS, force_insert=True)
        Period.objects.using(ALIAS).filter(pk=period.pk).update(prefix="T", first_value=5, last_value=10)
        Period.objects.using(ALIAS).filter(pk=period.pk).update(last_value=4)
        transaction.set_rollback(True, using=ALIAS)


@pytest.mark.parametrize("table", ["ledger_series", "ledger_period"])
def test_what_has_a_history_stays(run: Callable[..., None], database: BaseDatabaseWrapper, table: str) -> None:
    """It has no entries, but its changes are known for ever, and so is the row that was changed."""
    with transaction.atomic(using=ALIAS):
        series = Series.objects.using(ALIAS).create(
            code="s", template="S{counter:02}", calendar="never", time_zone="UTC"
        )
        period = Period.of(series, Period.objects.using(ALIAS).get(tenant="other").as_span())
        period.save(using=ALIAS)
        if table == "ledger_series":
            period.delete(using=ALIAS)
        else:
            Period.objects.using(ALIAS).filter(pk=period.pk).update(prefix="T")
        row: Series | Period = series if table == "ledger_series" else period
        with pytest.raises(ProtectedError):
            row.delete(using=ALIAS)

        def delete_at_once(statement: str, *arguments: Any) -> None:
            with transaction.atomic(using=ALIAS):
                run("SET CONSTRAINTS ALL IMMEDIATE")
                run(statement, *arguments)

        refused(delete_at_once, f"DELETE FROM {table} WHERE id = %s", row.pk, state="23503", told="changed")
        transaction.set_rollback(True, using=ALIAS)


def test_periods_of_a_series_never_overlap(run: Callable[..., None], mode: str) -> None:
    columns = "tenant, series_id, ends_on, width, suffix, first_value, last_value, max_value"
    refused(
        run,
        f"INSERT INTO ledger_period ({columns}, starts_on, prefix) SELECT {columns}, '2025-12-31', 'other'"
        " FROM ledger_period WHERE prefix = 'INV-2025-'",
        state="23P01",
        told="ledger_period_no_overlap",
    )
