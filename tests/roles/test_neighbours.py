"""What anybody who connects may do beside the ledger: notify, make views, end sessions, send bytes that are no text."""

import json
import re
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections, transaction

from ledger import define_series, issue, open_period
from ledger.models import Entry
from ledger.sql.installing import function_texts
from ledger.verification import verify
from tests.roles.logins import AUDITOR, CHECKOUT, DAY, FINANCE, NOBODY, OWNER, VOID, WORKERS, Logins, refusal, rows

ROOT = Path(__file__).parents[2]


def test_nothing_of_ours_listens_to_what_everybody_may_notify() -> None:
    texts = [path.read_text(encoding="utf-8") for part in ("ledger", "workers") for path in (ROOT / part).rglob("*.py")]
    asked = re.compile(r"\b(?:UN)?LISTEN\b|\bNOTIFY\b|\bpg_notify\b")
    assert len(texts) > 200
    assert [found[0] for text in (*texts, *function_texts().values()) if (found := asked.search(text))] == []


def test_what_others_notify_tells_no_number() -> None:
    """The client learns a number of ``at_commit`` by a notice, which only its own session can send."""
    define_series("told", template="TO{year}-{counter}", allocation="at_commit", using=FINANCE)
    rows(CHECKOUT, 'LISTEN "ledger_numbered"')
    try:
        with transaction.atomic(using=CHECKOUT):
            entry = issue("told", on=DAY, document="x", using=CHECKOUT)
            forged = json.dumps(["issued", "20000", "1", "1", "1", "9", "TO2026-9", "1", "1", "f"])
            for ticket in range(50):
                rows(NOBODY, "SELECT pg_notify('ledger_numbered', %s)", [f"ledger_numbered public.{ticket} {forged}"])
        assert str(entry) == "TO2026-1" == Entry.objects.using(OWNER).get(series__code="told").number
    finally:
        rows(CHECKOUT, "UNLISTEN *")


def test_code_in_the_checkouts_session_tells_no_other_number() -> None:
    """A trigger of the host may send any notice, but can't read the secret that only client and ticket have."""
    define_series("forged", template="FO{year}-{counter}", allocation="at_commit", using=FINANCE)
    forged = json.dumps(["issued", "20000", "1", "1", "1", "9", "FO2026-9", "1", "1", "f"])
    with transaction.atomic(using=CHECKOUT):
        entry = issue("forged", on=DAY, document="x", using=CHECKOUT)
        rows(
            CHECKOUT,
            "DO $do$ DECLARE answer text[]; said text; BEGIN"
            f" answer := ledger_leave_ticket('', 'forged', '{DAY}', NULL, ARRAY['x'], '', NULL, true, '');"
            " FOREACH said IN ARRAY answer || ARRAY(SELECT 'public.' || n FROM generate_series(1, 500) n) LOOP"
            f" RAISE NOTICE 'ledger_numbered %', said USING DETAIL = '{forged}'; END LOOP; END $do$",
        )
    assert str(entry) == "FO2026-1"
    assert refusal(CHECKOUT, "SELECT tells FROM ledger_ticket").sqlstate == "42501"


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("alias", [VOID, WORKERS, FINANCE, AUDITOR, NOBODY])
def test_a_role_ends_no_other_roles_session(alias: str, function: str) -> None:
    [(pid,)] = rows(CHECKOUT, "SELECT pg_backend_pid()")
    assert refusal(alias, f"SELECT {function}(%s)", [pid]).sqlstate == "42501"
    assert rows(CHECKOUT, "SELECT pg_backend_pid()") == [(pid,)]


def test_views_of_who_may_read_nothing_stop_no_checkout_and_no_install() -> None:
    """Everybody may make views, and columns of a table's type; while they exist, the table can't be dropped."""
    define_series("viewed", template="VI{year}-{counter}", using=FINANCE)
    try:
        rows(NOBODY, "CREATE TEMPORARY VIEW entries AS SELECT * FROM ledger_entry")
        rows(NOBODY, "CREATE TEMPORARY VIEW keys AS SELECT ledger_is_key('x'), ledger_is_facts('{}')")
        rows(NOBODY, "CREATE TEMPORARY TABLE typed (one ledger_period)")
        assert refusal(NOBODY, "SELECT FROM entries").sqlstate == "42501"
        assert refusal(NOBODY, "SELECT * FROM keys").sqlstate == "42501"
        assert refusal(NOBODY, "LOCK TABLE entries IN SHARE MODE NOWAIT").sqlstate == "42501"
        with transaction.atomic(using=CHECKOUT):
            assert str(issue("viewed", on=DAY, using=CHECKOUT)) == "VI2026-1"
        call_command("migrate", database=OWNER, verbosity=0, stdout=StringIO())
        call_command("ledger_install", database=OWNER, stdout=StringIO())
        assert [str(alarm) for alarm in verify(using=OWNER)] == []
    finally:
        connections[NOBODY].close()


@pytest.mark.parametrize("sent", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9"], ids=repr)
def test_bytes_that_are_no_text(sent: bytes, logins: Logins) -> None:
    """A client may declare that it sends any bytes (SQL_ASCII): the server still reads them in its own encoding."""
    series = define_series("bytes", template="BY{year}-{counter}", using=FINANCE)
    open_period(series, DAY, using=FINANCE)
    call = b"SELECT ledger_issue_serial('', 'bytes', '2026-05-05', NULL, 'order%b', '', '{}')"
    with psycopg.connect(logins.url_of(CHECKOUT), autocommit=True) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
            connection.execute(call % sent)
    assert not Entry.objects.using(OWNER).filter(series=series).exists()
