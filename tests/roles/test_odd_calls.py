"""Every function that a purpose may call, with odd arguments: it is refused with a clean error, or harms nothing.

Most arguments of a call are good, so that the function gets as far as the odd ones; a seed decides which are odd. What
succeeds is kept, and the ledger must verify afterwards. Functions that are granted later are called as well.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import Error as DatabaseError, transaction

from ledger import define_series, issue, void
from ledger.gaps import sweep
from ledger.grants.purposes import PURPOSES, READING
from ledger.models import Allocation
from ledger.verification import verify
from tests.drafts import claimed
from tests.roles.logins import CHECKOUT, DAY, FINANCE, OWNER, WORKERS, rows, series_of_each_allocation

MINE, THEIRS = "odd-mine", "odd-theirs"
#: Data, integrity, privileges, limits; retries of transactions; a lock that isn't waited for; what Folio says itself.
CLEAN = ("22", "23", "40", "54000", "42501", "55P03", "25001", "0A000")

_DEEP = '{"a":' * 33 + "1" + "}" * 33
#: Odd values by type; for an array: many of them, one, two dimensions, another lower bound, or nulls.
ODD: dict[str, list[Any]] = {
    "text": [
        None,
        "",
        " ",
        "a\nb",
        "\x07",
        "\u202eabc",
        "x" * 201,
        "x" * 70_000,
        "e\u0301",
        "\uff21",
        "ı",
        "{counter}",
        "{{",
    ],
    "bigint": [None, 0, -1, 1, 2, 2**31, 2**63 - 1, -(2**63)],
    "integer": [None, 0, -1, 4, 19, 2**31 - 1, -(2**31)],
    "date": [None, "infinity", "-infinity", "0044-03-15 BC", "9999-12-31", "5874897-12-31", "2027-01-01", "2020-02-29"],
    "timestamp with time zone": [None, "infinity", "-infinity", "9999-12-31", "294276-12-31", "4713-01-01 BC"],
    "jsonb": [
        None,
        "[1]",
        "1",
        "null",
        _DEEP,
        '{"a":1' + "0" * 5000 + "}",
        '{"a": "\\u0007"}',
        '{"tenant": "odd-theirs"}',
    ],
    "boolean": [None, True, False],
    "bytea": [None, "", "\\x00"],
    "interval": [None, "-1 hour", "1000000 years"],
    "xid": [None, "0", "4294967295"],
}
_SETTINGS = [
    *(
        '{"template": "N{counter}"}',
        '{"template": "N{year}{month}-{counter}"}',
        '{"template": null}',
        '{"calendar": "day"}',
    ),
    *('{"calendar": "never"}', '{"fiscal_start": "02-30"}', '{"fiscal_start": ""}', '{"time_zone": "Mars"}'),
    *(
        '{"start_value": 9223372036854775807}',
        '{"start_value": "NaN"}',
        '{"max_days_ahead": -5}',
        '{"rules_length": 3}',
    ),
    *(
        '{"allocation": "pooled"}',
        '{"is_active": false}',
        '{"is_active": null}',
        '{"chronological": true}',
        '{"odd": 1}',
    ),
    *('{"close_after_days": 2147483647}', '{"rules_highest": 0}', '{"rules_authorised": "infinity"}'),
]


def literal(value: Any, kind: str) -> str:
    if value is None or isinstance(value, bool):
        return f"{'NULL' if value is None else value}::{kind}"
    if isinstance(value, list):
        return f"ARRAY[{','.join(literal(one, kind[:-2]) for one in value)}]::{kind}"
    return "'{}'::{}".format(str(value).replace("'", "''"), kind)


class Calls:
    """Calls whose arguments fit the names and types of the function's own; a seed chooses them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids = {
            name: [row[0] for row in rows(OWNER, f"SELECT id FROM ledger_{name} ORDER BY id")]
            for name in ("series", "period", "entry", "reservation", "draftmade")
        }
        self.periods = {row[0]: row[1:] for row in rows(OWNER, "SELECT id, series_id, tenant FROM ledger_period")}
        self.claims = [row[0] for row in rows(OWNER, "SELECT claimed_by FROM ledger_remotepool")]
        self.gaps = rows(OWNER, "SELECT period_id, value FROM ledger_entry WHERE kind = 'gap' AND tenant = %s", [MINE])

    def statement(self, function: str, arguments: list[tuple[str, str]]) -> str:
        odd = self.random.choice([0, 0.1, 0.1, 0.25])
        together = self._together(function)
        given = [
            self._odd(kind) if self.random.random() < odd else literal(together.get(name, self._good(name, kind)), kind)
            for name, kind in arguments
        ]
        return f"SELECT * FROM {function}({', '.join(given)})"

    def _together(self, function: str) -> dict[str, Any]:
        """Ids that belong together: otherwise each call would end at its first check."""
        if function == "ledger_declare":
            period, value = self.random.choice(self.gaps)
            return {"p_tenant": MINE, "p_periods": [period], "p_firsts": [value], "p_lasts": [value]}
        period = self.random.choice(list(self.periods))
        _, tenant = self.periods[period]
        return {"p_tenant": tenant, "p_period": period} if self.random.random() < 0.8 else {"p_tenant": MINE}

    def _good(self, name: str, kind: str) -> Any:
        pick = self.random.choice
        new = f"new {self.random.random()}"
        known: dict[tuple[str, str] | str, Any] = {
            ("p_series", "text"): pick([*Allocation.values, "spare", "explicit"]),
            ("p_series", "bigint"): pick(self.ids["series"]),
            ("p_documents", "text[]"): [new, pick(["one", f"{new}!"])],
            "p_code": pick([*Allocation.values, "spare", "explicit", "new"]),
            "p_allocation": pick(["pooled", "remote"]),
            "p_document": new,
            "p_metadata": "{}",
            "p_settings": pick(_SETTINGS),
            "p_options": "{}",
            "p_said": "{}",
            "p_claim": pick(self.claims),
            "p_system": "books",
            "p_digest": "0" * 64,
            "p_digests": ["0" * 64],
            "p_references": [new],
            "p_lasts": "1 hour" if kind == "interval" else [2],
            "p_state": "void",
            "p_at": None,
            "p_replaces": None,
            "p_draft": pick(self.ids["draftmade"]),
            "p_reservations": self.ids["reservation"][:1],
            "p_alarms": [1] if kind == "bigint[]" else _alarm(self.random),
            "p_tenants": [MINE],
            "p_calendar": pick(["never", "year", "day", "explicit"]),
            "p_time_zone": "UTC",
            "p_fiscal_start": "01-01",
            "p_anchor": "01-01",
            "p_template": "T{year}-{counter}",
            "p_width": 4,
            "q_width": 4,
        }
        if (name, kind) in known or name in known:
            return known.get((name, kind), known.get(name))
        many = self.random.sample(self.ids["entry"], 2)
        value = {
            "bigint": pick(many),
            "bigint[]": many,
            "date": DAY,
            "boolean": True,
            "integer": 1,
            "xid": "1",
            "bytea": "",
        }
        return value.get(kind, [new] if kind == "text[]" else new if kind == "text" else None)

    def _odd(self, kind: str) -> str:
        one = kind.removesuffix("[]")
        value = literal(self.random.choice(ODD[one]), one)
        if one == kind:
            return value
        shape = self.random.choice(["2", "2, 2", "2001", "100001"])
        lists = [f"NULL::{kind}", f"'{{}}'::{kind}", f"ARRAY[{value}]", f"array_fill({value}, ARRAY[{shape}])"]
        return self.random.choice([*lists, f"array_fill({value}, ARRAY[2], ARRAY[5])"])


def _alarm(chosen: random.Random) -> str:
    alarm = {"tenant": MINE, "kind": '"void-twice"', "series": '"s"', "table_name": '""', "number": '""', "rule": "5"}
    alarm |= {"tenant": f'"{MINE}"', "ordinal": "0", "problem": '"p"', "remedy": '"r"', "starts_on": "null"}
    alarm[chosen.choice(list(alarm))] = chosen.choice(
        ["null", "-1", '"infinity"', '"x"', f'"{"x" * 5000}"', "[1]", "1e9"]
    )
    return "[" + ", ".join(["{" + ", ".join(f'"{key}": {value}' for key, value in alarm.items()) + "}"] * 2) + "]"


@pytest.fixture(scope="module")
def signatures() -> dict[str, list[tuple[str, str]]]:
    """A ledger of two tenants with a little of everything, and the arguments of each function."""
    for tenant in (MINE, THEIRS):
        for series in series_of_each_allocation(tenant):
            code = series.code
            if code == "remote":
                claimed(series, WORKERS)
            for rolls_back in (False, True, False):
                with transaction.atomic(using=CHECKOUT):
                    entry = issue(code, org=tenant, on=DAY, document=f"one {rolls_back}", using=CHECKOUT)
                    transaction.set_rollback(rolls_back, using=CHECKOUT)
            void(entry, reason="x", using=FINANCE)
            if code == "reserved":
                sweep(tenant=tenant, grace=timedelta(0), using=WORKERS)
        define_series("explicit", org=tenant, template="X{label}-{counter}", calendar="explicit", using=FINANCE)
        define_series("spare", org=tenant, template="S{year}-{counter}", using=FINANCE)
    found = rows(
        OWNER,
        "SELECT proname, proargnames, ARRAY(SELECT t::regtype::text FROM unnest(proargtypes) t) FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'ledger_')"
        " AND prorettype <> 'trigger'::regtype",
    )
    return {name: list(zip(names or [], kinds, strict=False)) for name, names, kinds in found}


@pytest.mark.parametrize("seed", range(3))
def test_no_call_harms_the_ledger(signatures: dict[str, list[tuple[str, str]]], seed: int) -> None:
    calls, unclean, succeeded = Calls(seed), [], set()
    doors = [(CHECKOUT, one) for one in READING] + [
        (alias, one)
        for alias, purpose in ((CHECKOUT, "checkout"), (WORKERS, "workers"), (FINANCE, "finance"))
        for one in PURPOSES[purpose].functions
    ]
    for alias, function in sorted(doors) * 3:
        if function not in signatures:
            continue  # a trigger's
        statement = calls.statement(function, signatures[function])
        try:
            with transaction.atomic(using=alias):
                rows(alias, "SET LOCAL statement_timeout = '20s'")
                rows(alias, statement)
                rows(alias, "SET CONSTRAINTS ALL IMMEDIATE")
            succeeded.add(function)
        except DatabaseError as error:
            said: Any = error.__cause__
            if not (said.sqlstate or "XX").startswith(CLEAN):
                unclean.append(f"{statement[:300]}: {said.sqlstate} {said}")
    assert unclean == []
    assert len(succeeded) > 30
    assert [str(alarm) for alarm in verify(using=OWNER)] == []


@pytest.mark.parametrize("settings", _SETTINGS)
def test_settings_that_are_refused_leave_a_series_that_opens_periods(
    signatures: dict[str, list[tuple[str, str]]], settings: str
) -> None:
    """A change that gets around Python's checks is refused, or the next period can still be opened."""
    with transaction.atomic(using=FINANCE):
        try:
            with transaction.atomic(using=FINANCE):
                rows(FINANCE, "SELECT ledger_define_series(%s, 'spare', %s, '')", [MINE, settings])
        except DatabaseError as error:
            assert str(getattr(error.__cause__, "sqlstate", "")).startswith(("22", "23"))  # noqa: PT017
        opened = rows(FINANCE, "SELECT ledger_open_period(%s, 'spare', '2031-05-05')", [MINE])
        assert opened[0][0] in ("opened", "too_far", "conflict")
        transaction.set_rollback(True, using=FINANCE)
