"""What a thief can do with a login's password: call the functions of its purposes, and nothing else."""

from typing import Any

import pytest
from django.db import connections, transaction
from psycopg import sql

from ledger import close_period, define_series, issue
from ledger.errors import PeriodClosed
from ledger.grants.purposes import PURPOSES as KNOWN, READING
from ledger.models.tables import all_tables, event_tables
from tests.roles.logins import (
    AUDITOR,
    CHECKOUT,
    DAY,
    FINANCE,
    NOBODY,
    OWNER,
    PURPOSES,
    USUAL,
    VOID,
    WORKERS,
    Logins,
    opened,
    refusal,
    rows,
)

DENIED = "42501"
EVERYBODY = (CHECKOUT, VOID, WORKERS, FINANCE, AUDITOR, USUAL, NOBODY)
WORKERS_TABLES = (
    *("ledger_workers_sealedtoken", "ledger_workers_quota", "ledger_workers_push", "ledger_workers_pushposition"),
)


def purposes_of(alias: str) -> list[Any]:
    return [KNOWN[name] for name in PURPOSES[alias.removeprefix("roles-")]]


def writable(alias: str, table: str) -> set[str]:
    """The plain statements that a login may run on a table."""
    given: set[str] = set()
    for purpose in purposes_of(alias):
        if table in WORKERS_TABLES and purpose.other_apps:
            given |= {"INSERT", "UPDATE"}
        for privileges, models in purpose.writes:
            if table in (model._meta.db_table for model in models):
                given |= set(privileges.split(", "))
    return given


@pytest.mark.parametrize("alias", EVERYBODY)
class TestEveryTable:
    """Also the columns issued_at, transaction_id, id, era, db_login and db_role: none has a privilege of its own."""

    def test_statements(self, alias: str) -> None:
        for table in (*all_tables(), *WORKERS_TABLES):
            [(column,)] = rows(
                OWNER, "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum = 1", [table]
            )
            attempts = {
                "INSERT": f"INSERT INTO {table} DEFAULT VALUES",
                "UPDATE": f'UPDATE {table} SET "{column}" = "{column}"',
                "DELETE": f"DELETE FROM {table}",
                "TRUNCATE": f"TRUNCATE {table} CASCADE",
            }
            for privilege, statement in attempts.items():
                if privilege not in writable(alias, table):
                    assert refusal(alias, statement).sqlstate == DENIED, statement

    def test_columns(self, alias: str, logins: Logins) -> None:
        """By the catalogue: no column can be inserted where the table can't."""
        for table in (*all_tables(), *WORKERS_TABLES):
            found = rows(
                OWNER,
                "SELECT p FROM unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) p"
                " WHERE has_any_column_privilege(%s, to_regclass(%s), p)",
                [logins.roles[alias], table],
            )
            assert {row[0] for row in found} <= writable(alias, table), table

    def test_sequences(self, alias: str) -> None:
        every = rows(OWNER, "SELECT relname FROM pg_class WHERE relkind = 'S' AND starts_with(relname, 'ledger_')")
        assert len(every) > 20
        for (name,) in every:
            for attempt in ("SELECT nextval('{}')", "SELECT setval('{}', 1)", "SELECT last_value FROM {}"):
                assert refusal(alias, attempt.format(name)).sqlstate == DENIED, name

    def test_functions(self, alias: str) -> None:
        """A function that wasn't granted for the login's purposes is refused before its arguments are checked."""
        mine = (READING if purposes_of(alias) else frozenset()).union(*(one.functions for one in purposes_of(alias)))
        every = rows(
            OWNER,
            "SELECT p.proname, ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) t), prosecdef FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace AND starts_with(p.proname, 'ledger_')",
        )
        assert {name for name, *_ in every} >= mine
        refused = 0
        for name, types, _ in every:
            if name not in mine:
                arguments = ", ".join(f"NULL::{kind}" for kind in types)
                assert refusal(alias, f"SELECT {name}({arguments})").sqlstate == DENIED, name
                refused += 1
        assert refused > 25


#: Statements about a table that nobody but its owner may run.
OF_A_TABLE = (
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} OWNER TO CURRENT_USER",
    "ALTER TABLE {} ADD COLUMN mine integer",
    "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {} ALTER COLUMN tenant SET DEFAULT 'mine'",
    "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
    "CREATE POLICY mine ON {}",
    "CREATE INDEX mine ON {} (tenant)",
    "DROP TABLE {} CASCADE",
    "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
    "SELECT FROM {} FOR UPDATE",
    "SELECT FROM {} FOR KEY SHARE",
    "CREATE TEMPORARY TABLE mine () INHERITS ({})",
    "COMMENT ON TABLE {} IS 'mine'",
)


@pytest.mark.parametrize("alias", EVERYBODY)
@pytest.mark.parametrize("table", ["ledger_entry", "ledger_period", "ledger_slot"])
def test_a_table_stays_as_it_is(alias: str, table: str) -> None:
    for statement in OF_A_TABLE:
        assert refusal(alias, statement.format(table)).sqlstate == DENIED, statement
    # PostgreSQL skips it with a warning instead of refusing it; either way it doesn't run.
    connection = connections[alias]
    connection.ensure_connection()
    said: list[str] = []
    connection.connection.add_notice_handler(lambda told: said.append(told.message_primary))
    rows(alias, f"VACUUM {table}")
    assert any("permission denied to vacuum" in text or "skipping" in text for text in said), said


#: Statements by which a role would get more than it was granted.
OF_A_ROLE = (
    "SET session_replication_role = replica",
    "SET SESSION AUTHORIZATION {owner}",
    "SET ROLE {owner}",
    "GRANT {owner} TO {me}",
    "ALTER ROLE {me} SUPERUSER",
    "ALTER ROLE {owner} PASSWORD 'mine'",
    "CREATE ROLE mine",
    "CREATE TABLE public.ledger_mine ()",
    "CREATE SCHEMA mine",
    "ALTER SCHEMA public RENAME TO mine",
    "CREATE OR REPLACE FUNCTION public.ledger_serves(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE FUNCTION public.ledger_serves(p_tenant varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE OPERATOR public.= (leftarg = text, rightarg = varchar, function = texteq)",
    "ALTER FUNCTION public.ledger_entry_fits() SECURITY INVOKER",
    "DROP FUNCTION public.ledger_entry_fits() CASCADE",
    "DROP TRIGGER ledger_entry_fits ON ledger_entry",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "COPY ledger_entry TO PROGRAM 'cat'",
    "COPY ledger_entry (tenant) FROM PROGRAM 'echo'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
    "ALTER ROLE {owner} SET search_path = mine",
    "ALTER ROLE ALL SET search_path = mine",
    "ALTER ROLE {me} SET session_replication_role = replica",
    "ALTER ROLE {me} SET session_preload_libraries = 'mine'",
    "ALTER FUNCTION public.ledger_entry_fits() SET search_path = mine",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT INSERT ON TABLES TO {me}",
    "REASSIGN OWNED BY {owner} TO {me}",
    "DROP OWNED BY {owner}",
    "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION suppress_redundant_updates_trigger()",
)


@pytest.mark.parametrize("alias", EVERYBODY)
def test_a_role_stays_what_it_is(alias: str, logins: Logins) -> None:
    names = {who: sql.Identifier(logins.roles[role]).as_string(None) for who, role in (("owner", OWNER), ("me", alias))}
    for statement in OF_A_ROLE:
        assert refusal(alias, statement.format(**names)).sqlstate == DENIED, statement


@pytest.mark.parametrize("alias", EVERYBODY)
@pytest.mark.parametrize("what", ["TABLE ledger_entry", "COLUMN ledger_entry.number", "FUNCTION ledger_is_key(text)"])
def test_nobody_labels_it(alias: str, what: str) -> None:
    """invalid_parameter_value: no provider of labels is loaded, nor can a role load one (the library, above)."""
    assert refusal(alias, f"SECURITY LABEL ON {what} IS 'MASKED'").sqlstate in (DENIED, "22023")


@pytest.mark.parametrize("table", WORKERS_TABLES)
@pytest.mark.parametrize("alias", [CHECKOUT, VOID, FINANCE, AUDITOR, NOBODY])
def test_tokens_and_pushes_are_nobodys_business_but_the_workers(alias: str, table: str) -> None:
    assert refusal(alias, f"SELECT * FROM {table}").sqlstate == DENIED


def test_who_was_granted_nothing_reads_nothing() -> None:
    for table in all_tables():
        assert refusal(NOBODY, f"SELECT FROM {table}").sqlstate == DENIED, table


@pytest.mark.parametrize(
    "table",
    ["ledger_ticket", "ledger_sweeprun", "ledger_findingraised", "ledger_tenantaccess", "ledger_remotedocument"],
)
@pytest.mark.parametrize("alias", [CHECKOUT, VOID])
def test_who_issues_or_voids_reads_what_that_needs(alias: str, table: str) -> None:
    assert refusal(alias, f"SELECT FROM {table}").sqlstate == DENIED


#: Attacks that worked when roles had INSERT on events; here the checkout's role tries them.
FORGED = {
    "a number back-dated by its own clock": (
        "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on, issued_at,"
        " actor, metadata) SELECT tenant, series_id, id, last_value + 1, 'issued', 'X', '', starts_on, '2026-01-01',"
        " '', '{}' FROM ledger_period"
    ),
    "another transaction": "INSERT INTO ledger_entry (transaction_id) VALUES (7)",
    "a chosen id": "INSERT INTO ledger_entry (id) OVERRIDING SYSTEM VALUE VALUES (1)",
    "another server's era": "INSERT INTO ledger_entry (era) VALUES (2)",
    "another login": "INSERT INTO ledger_entry (db_login, db_role) VALUES ('root', 'root')",
    "an adopted number without an adoption": "INSERT INTO ledger_entry (kind) VALUES ('adopted')",
    "any text as a number": "UPDATE ledger_period SET has_drafts = true",
    "a draft for it": "INSERT INTO ledger_draftmade (number, value) VALUES ('ANYTHING', 1)",
    "an invented gap": "INSERT INTO ledger_entry (kind) VALUES ('gap')",
    "a thousand values hidden": "INSERT INTO ledger_adoptedgap (first_value, last_value) VALUES (1, 1000)",
    "an adoption for them": "INSERT INTO ledger_adoption (source) VALUES ('x')",
    "a value parked until 9999": "INSERT INTO ledger_reservation (reserved_at) VALUES ('9999-12-31')",
    "a reservation deleted": "DELETE FROM ledger_reservation",
    "a counter lowered": "UPDATE ledger_period SET last_value = last_value - 1",
    "a counter raised": "UPDATE ledger_period SET last_value = last_value + 1",
    "2027 in a foreign format": "INSERT INTO ledger_period (prefix) VALUES ('MINE-2027-')",
    "2027 closed until 9999": "INSERT INTO ledger_period (closed_at) VALUES ('9999-12-31')",
    "an end that is no end": "UPDATE ledger_period SET ends_on = '9999-12-31'",
    "a series of one's own": "INSERT INTO ledger_series (code) VALUES ('mine')",
    "a default of one's own": "INSERT INTO ledger_defaultseries (code) VALUES ('mine')",
    "a forged declaration": "INSERT INTO ledger_gapdeclared (authority) VALUES ('BR NF-e')",
    "a forged explanation": "INSERT INTO ledger_gapexplained (explanation) VALUES ('all is well')",
    "a forged void": "INSERT INTO ledger_numbervoided (reason) VALUES ('never was')",
    "a forged finding": "INSERT INTO ledger_findingraised (kind) VALUES ('missing')",
    "a finding made to vanish": "INSERT INTO ledger_findingresolved (finding_id) VALUES (1)",
    "a finding acknowledged": "INSERT INTO ledger_findingacknowledged (reason) VALUES ('known')",
    "a forged alarm": "INSERT INTO ledger_alarmraised (kind) VALUES ('trigger')",
    "an alarm made to vanish": "INSERT INTO ledger_alarmresolved (alarm_id) VALUES (1)",
    "an alarm acknowledged": "INSERT INTO ledger_alarmacknowledged (reason) VALUES ('known')",
    "a sweep that never ran": "INSERT INTO ledger_sweeprun (sweep) VALUES ('verify')",
    "a sweep made to have succeeded": "UPDATE ledger_sweeprun SET finished_at = now(), error = ''",
    "a hole made to be healed": "INSERT INTO ledger_holehealed (hole_id) VALUES (1)",
    "a scan that never was": "INSERT INTO ledger_scanposition (through) VALUES (1000000)",
    "a document put into the mirror": "INSERT INTO ledger_remotedocument (number) VALUES ('X')",
    "a history of one's own": "INSERT INTO ledger_serieschanged (actor) VALUES ('ada')",
    "access to a tenant": "INSERT INTO ledger_tenantaccess (tenant, \"user\") VALUES ('', 'auth.user:1')",
    "a login unbound": "DELETE FROM ledger_tenantbinding",
    "a purpose noted": "INSERT INTO ledger_rolepurpose (role, purpose) VALUES (current_user, 'finance')",
    "a staged row": "INSERT INTO ledger_adoptingrow (batch) VALUES ('x')",
    "a slot of one's own": "INSERT INTO ledger_slot (value) VALUES (7)",
    "a ticket of one's own": "INSERT INTO ledger_ticket (code) VALUES ('invoice')",
}


@pytest.mark.parametrize("alias", [CHECKOUT, VOID, AUDITOR, NOBODY])
def test_nothing_is_forged(alias: str) -> None:
    for what, statement in FORGED.items():
        assert refusal(alias, statement).sqlstate == DENIED, what


@pytest.mark.parametrize("alias", [CHECKOUT, WORKERS, FINANCE])
def test_an_entry_never_stands_in_a_closed_period(alias: str) -> None:
    """The attack: raise the counter and commit, insert the entry, let somebody close the period, commit."""
    code = f"race-{alias}"
    series = define_series(code, template=f"{code}{{year}}-{{counter}}", using=FINANCE)
    with transaction.atomic(using=CHECKOUT):
        issue(code, on=DAY, using=CHECKOUT)
    period = opened(series)
    raised = refusal(alias, "UPDATE ledger_period SET last_value = last_value + 1 WHERE id = %s", [period.pk])
    assert raised.sqlstate == DENIED
    close_period(period, early=True, using=FINANCE)
    with pytest.raises(PeriodClosed), transaction.atomic(using=CHECKOUT):
        issue(code, on=DAY, using=CHECKOUT)
    period.refresh_from_db(using=OWNER)
    assert period.last_value == 1


@pytest.mark.parametrize("table", event_tables())
def test_even_the_owner_changes_no_event(table: str) -> None:
    """By plain statements. It can drop the triggers, but ledger_verify reports that."""
    for statement in (f"UPDATE {table} SET tenant = tenant", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        count = rows(OWNER, f"SELECT count(*) FROM {table}")[0][0]
        if count or statement.startswith("TRUNCATE"):
            assert refusal(OWNER, statement).sqlstate == "23001", statement
