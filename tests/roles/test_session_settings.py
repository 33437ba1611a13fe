"""Settings of a session change no answer of the ledger's functions, and let no row past their guards."""

from typing import Any

import pytest
from django.db import Error as DatabaseError, connections, transaction

from ledger import define_series, open_period
from tests.roles.logins import CHECKOUT, DAY, FINANCE, rows

#: Every setting that a plain role can change and that affects how statements are read or values written.
SETTINGS = (
    *(
        "standard_conforming_strings = off",
        "transform_null_equals = on",
        "datestyle = 'SQL, DMY'",
        "datestyle = 'German'",
    ),
    *("intervalstyle = 'sql_standard'", "timezone = 'Asia/Kathmandu'", "array_nulls = off", "extra_float_digits = -15"),
    *("bytea_output = 'escape'", "plpgsql.extra_errors = 'all'", "plpgsql.check_asserts = off", "row_security = off"),
    *("default_transaction_isolation = 'serializable'", "quote_all_identifiers = on", "enable_indexscan = off"),
    *("lock_timeout = '1us'", "plan_cache_mode = force_custom_plan", "lc_numeric = 'C'", "folio.actor = 'mallory'"),
    *("client_min_messages = 'error'", "synchronous_commit = off", "check_function_bodies = off", "work_mem = '64kB'"),
    *(
        "escape_string_warning = off",
        "default_transaction_deferrable = on",
        "jit_above_cost = 0",
        "xmloption = 'document'",
    ),
    "search_path = pg_temp, public",
)
TEXTS = ["plain", "S 007-08", "a\\b", "bad\x07", "x\u200by", "a\u00a0b", " a", "e\u0301", "x" * 201, "\u00ad"]
FACTS = [
    *('{"a": "q\\\\\\"z"}', '{"a":"' + 'x\\\\\\"' * 500 + '"}', '{"a":1' + "0" * 2000 + "}", "[1]"),
    *(
        '{"a":"' + "1" * 2000 + '"}',
        '{"a":"' + "\\\\" * 1500 + '", "b": 1' + "0" * 2000 + "}",
        '{"a":' * 33 + "1" + "}" * 33,
    ),
]
CALLS: list[tuple[str, Any]] = [
    *((f"ledger_{name}(%s)", text) for name in ("is_key", "is_prose", "spelling", "outline") for text in TEXTS),
    *(("(ledger_issue_serial('set', 'serial', '2026-05-05', NULL, %s, '', '{{}}'))[4]", text) for text in TEXTS),
    *(("ledger_is_facts(%s)", facts) for facts in FACTS),
    *(("(ledger_issue_serial('set', 'serial', '2026-05-05', NULL, 'x', '', %s))[4]", facts) for facts in FACTS),
    ("ledger_render_template(%s, '01-01', 's', 't', '2026-05-05')", "T{{x}}{doc_month}{year}-{quarter}{counter:03}"),
    ("ledger_template_outline(%s, 's', 't')", "T{year:2}{month}-{counter:03}"),
    ("ledger_formats_collide(%s, 3, '', 1, 999, 'A', 4, '', 1, 9999)", "A1"),
    ("ledger_value_of(%s, 3, '.x', 'A-05012.x')", "A-{doc_month}"),
    ("ledger_open_period('set', 'serial', %s)", "2020-01-01"),
]


def answers() -> list[Any]:
    found: list[Any] = []
    for call, argument in CALLS:
        try:
            with transaction.atomic(using=CHECKOUT):
                found.append(rows(CHECKOUT, f"SELECT {call.replace('{{}}', '{}')}", [argument]))
                transaction.set_rollback(True, using=CHECKOUT)
        except DatabaseError as error:
            found.append(getattr(error.__cause__, "sqlstate", None))
    return found


@pytest.fixture(scope="module")
def usual() -> list[Any]:
    series = define_series("serial", org="set", template="SET{year}-{counter}", using=FINANCE)
    open_period(series, DAY, using=FINANCE)
    found = answers()
    assert {"23514"} < {str(answer) for answer in found}
    return found


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_setting_changes_an_answer(usual: list[Any], setting: str) -> None:
    connections[CHECKOUT].close()  # PL/pgSQL reads a function's text once in a session
    try:
        rows(CHECKOUT, f"SET {setting}")
        assert answers() == usual
    finally:
        connections[CHECKOUT].close()


def test_what_a_role_sets_for_itself_for_good_changes_no_answer(usual: list[Any]) -> None:
    """A session that hasn't called PL/pgSQL yet knows neither its settings nor ours, and no plain role can set them."""
    given = [setting for setting in SETTINGS if "." not in setting.partition("=")[0]]
    try:
        for setting in given:
            rows(CHECKOUT, f"ALTER ROLE CURRENT_USER SET {setting}")
        connections[CHECKOUT].close()
        kept = rows(CHECKOUT, "SELECT current_setting('search_path'), current_setting('synchronous_commit')")
        assert kept == [("pg_temp, public", "off")]
        assert answers() == usual
    finally:
        connections[CHECKOUT].close()
        rows(CHECKOUT, "ALTER ROLE CURRENT_USER RESET ALL")
        connections[CHECKOUT].close()
