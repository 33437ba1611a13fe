"""A role's own objects in the place of the ledger's: temporary tables, a schema in front, code attached to a type."""

from collections.abc import Iterator

import pytest
from django.db import connections, transaction
from psycopg import sql

from ledger import define_series, issue, issue_many, void
from ledger.models import Allocation, Entry, Period
from tests.allocations import expect_all_accounted_for
from tests.drafts import stock
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, USUAL, WORKERS, Logins, refusal, rows

_SHADOWED = (
    *("ledger_series", "ledger_period", "ledger_entry", "ledger_slot", "ledger_pool", "ledger_reservation"),
    *("ledger_ticket", "ledger_tenantbinding", "ledger_draftmade", "ledger_numbervoided", "ledger_defaultseries"),
)


_TAKE = "SELECT * FROM public.ledger_issue_reserved('', %s, %s, %s, ARRAY[%s]::bigint[], ARRAY['x'], '', '{}')"


def pose(alias: str) -> None:
    """Make temporary tables with the ledger's names in the session, empty or with another counter."""
    for table in _SHADOWED:
        rows(alias, f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM public.{table} WITH NO DATA")
    rows(alias, "INSERT INTO pg_temp.ledger_period SELECT * FROM public.ledger_period")
    rows(alias, "UPDATE pg_temp.ledger_period SET last_value = 900, prefix = 'MINE-'")
    for name in ("ledger_serves(text)", "ledger_number(text, integer, text, bigint, date)"):
        rows(alias, f"CREATE FUNCTION pg_temp.{name} RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$")
    rows(alias, "CREATE FUNCTION pg_temp.same(text, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    rows(alias, "CREATE OPERATOR pg_temp.= (leftarg = text, rightarg = varchar, function = pg_temp.same)")


@pytest.mark.parametrize("path", ["pg_temp, public", "pg_temp, pg_catalog, public", "public"])
@pytest.mark.parametrize("allocation", Allocation.values)
def test_temporary_tables_deceive_no_function(allocation: str, path: str) -> None:
    """Nor the deferred trigger: at COMMIT the search path isn't that of the call."""
    code = f"shadow-{allocation}-{len(path)}"
    series = define_series(
        code,
        template=f"{code}-{{year}}-{{counter}}",
        allocation=allocation,
        system="books" if allocation == "remote" else "",
        using=FINANCE,
    )
    if allocation == "remote":
        stock(series, [f"{code}-2026-{n}" for n in range(1, 4)], day=DAY, using=WORKERS)
    try:
        calls = {
            "serial": f"SELECT public.ledger_issue_serial('', '{code}', '{DAY}', NULL, 'x', '', '{{}}', NULL)",
            "at_commit": f"SELECT public.ledger_leave_ticket('', '{code}', '{DAY}', NULL, ARRAY['x'], '', '{{}}',"
            " true, '')",
            "pooled": f"SELECT public.ledger_issue_slot('pooled', '', '{code}', '{DAY}', NULL, 'x', '', '{{}}')",
            "remote": f"SELECT public.ledger_issue_slot('remote', '', '{code}', '{DAY}', NULL, 'x', '', '{{}}')",
        }
        with transaction.atomic(using=CHECKOUT):
            issue(code, on=DAY, document="before", using=CHECKOUT)
        pose(CHECKOUT)
        with transaction.atomic(using=CHECKOUT):
            rows(CHECKOUT, f"SET LOCAL search_path = {path}")
            if allocation == "reserved":
                period = Period.objects.using(OWNER).get(series=series)
                [(reservation,)] = rows(
                    CHECKOUT,
                    "SELECT reservation FROM public.ledger_reserve('', %s, %s, ARRAY['x'], '', 1)",
                    [period.pk, DAY],
                )
                assert rows(CHECKOUT, _TAKE, [series.pk, period.pk, DAY, reservation])
            else:
                rows(CHECKOUT, calls[allocation])
    finally:
        connections[CHECKOUT].close()
    assert str(Entry.objects.using(OWNER).get(series=series, document="x")) == f"{code}-2026-2"
    expect_all_accounted_for(OWNER)


@pytest.fixture
def front(logins: Logins) -> Iterator[str]:
    """A schema of the role's own, before the ledger's on its search path."""
    with logins.superuser() as connection:
        role = sql.Identifier(logins.roles[USUAL])
        connection.execute(sql.SQL("CREATE SCHEMA front AUTHORIZATION {}").format(role))
        yield "front"
        connection.execute("DROP SCHEMA front CASCADE")


def test_a_schema_in_front_deceives_no_function(front: str) -> None:
    define_series("fronted", template="FR{year}-{counter}", using=FINANCE)
    with transaction.atomic(using=USUAL):
        rows(USUAL, f"SET LOCAL search_path = {front}, public")
        for table in _SHADOWED:
            rows(USUAL, f"CREATE TABLE {front}.{table} AS SELECT * FROM public.{table} WITH NO DATA")
        for name in ("upper", "length", "coalesced", "unnest"):
            rows(USUAL, f"CREATE FUNCTION {front}.{name}(text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$")
        answer = rows(USUAL, "SELECT ledger_issue_serial('', 'fronted', %s, NULL, 'x', '', '{}', NULL)", [DAY])
        assert answer[0][0][0] == "no_period"
        rows(USUAL, "SELECT ledger_open_period('', 'fronted', %s)", [DAY])
        answer = rows(USUAL, "SELECT ledger_issue_serial('', 'fronted', %s, NULL, 'x', '', '{}', NULL)", [DAY])
        assert answer[0][0][6] == "FR2026-1"
        rows(USUAL, "SET LOCAL search_path = public")
        entries = issue_many("fronted", on=DAY, documents=["y", "z"], using=USUAL)
        void(entries[0], reason="reversed", using=USUAL)
    assert Period.objects.using(OWNER).get(series__code="fronted").last_value == 3


#: Functions that every reader may call, and that others call with the owner's rights.
MET_FIRST = {
    "step": "ledger_calendar_step('2026-05-05', 12, '01-01')",
    "meeting": "ledger_colliding_period('', 'M', 1, '', 1, 9, NULL, NULL)",
    "template": "ledger_render_template('M{year}-{counter}', '01-01', 's', '', '2026-05-05')",
    "forms": "ledger_forms_ahead('', 'met', 'M{year}-{counter}', 'year', '01-01', 'UTC', 1, 60, NULL, false)",
}


@pytest.mark.parametrize("met", MET_FIRST)
def test_a_domain_that_a_function_met_first_runs_no_check_with_the_owners_rights(met: str) -> None:
    """PL/pgSQL looks up the types that a function declares at its first call in a session, and then keeps them."""
    define_series(met, template="M-{series}{year}-{counter}", using=FINANCE)
    connections[CHECKOUT].close()
    try:
        rows(CHECKOUT, "CREATE TABLE pg_temp.ran_as (role text); GRANT INSERT ON pg_temp.ran_as TO PUBLIC")
        rows(
            CHECKOUT,
            "CREATE FUNCTION pg_temp.told(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO pg_temp.ran_as VALUES (current_user); RETURN true; END $$",
        )
        for name in ("text", "date", "jsonb", "timestamptz"):
            check = f"CHECK (pg_temp.told(VALUE::pg_catalog.{name}))"
            rows(CHECKOUT, f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} {check}")
        rows(CHECKOUT, f"SELECT {MET_FIRST[met]}")
        rows(CHECKOUT, "TRUNCATE pg_temp.ran_as")
        assert rows(CHECKOUT, f"SELECT ledger_open_period('', '{met}', '2027-05-05')") == [("opened",)]
        assert rows(CHECKOUT, f"SELECT ledger_make_default('', '{met} too', '*django-sequences')") == [("made",)]
        assert rows(CHECKOUT, "SELECT DISTINCT role::pg_catalog.text FROM pg_temp.ran_as") == []
    finally:
        connections[CHECKOUT].close()


def test_code_that_hangs_on_a_type_runs_with_no_more_rights_than_its_owner() -> None:
    """Anybody may define the cast of a column to JSON; the trigger for moved counters casts rows of any table."""
    steps = (
        "CREATE TYPE pg_temp.mine AS ENUM ('a')",
        "CREATE FUNCTION pg_temp.as_json(pg_temp.mine) RETURNS json LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE public.ledger_period SET closed_at = now(); RETURN '1'; END $$",
        "CREATE CAST (pg_temp.mine AS json) WITH FUNCTION pg_temp.as_json(pg_temp.mine)",
        "CREATE TABLE pg_temp.old (name text, last bigint, evil pg_temp.mine)",
        "INSERT INTO pg_temp.old VALUES ('x', 1, 'a')",
        "CREATE TRIGGER bridge BEFORE UPDATE ON pg_temp.old FOR EACH ROW"
        " EXECUTE FUNCTION ledger_moved_counter('django-sequences', 'name', 'last')",
    )
    with transaction.atomic(using=FINANCE):
        for step in steps:
            rows(FINANCE, step)
        denied = refusal(FINANCE, "UPDATE pg_temp.old SET last = 2")
        transaction.set_rollback(True, using=FINANCE)
    assert denied.sqlstate == "42501"
    assert "ledger_period" in denied.diag.message_primary
