"""Descriptions of the schema compared: each difference from the shipped one is reported once, in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.verification import catalogue
from ledger.verification.catalogue import KINDS, Objects, Remark, table_of
from ledger.verification.differences import differences, title
from ledger.verification.findings import MEANINGS, NOTES
from ledger.verification.guards import excess
from tests import catalogue as generator

SHIPPED = catalogue.shipped().objects
EACH = [(kind, name) for kind in KINDS for name in SHIPPED.get(kind, {})]
#: Every fact that an object of a kind may have, with a value that no object has.
FACTS: dict[str, dict[str, Any]] = {
    "table": {
        "is": "view",
        "persistence": "unlogged",
        "row security": True,
        "forced row security": True,
        "ignores triggers": True,
        "ignores indexes": True,
        "ignores checks": True,
        "parents": ["above"],
        "children": ["below", "beside"],
    },
    "column": {"type": "oid", "collation": "C", "default": "9", "identity": "always", "generated": "s: 9"},
    "sequence": {"definition": "none"},
    "constraint": {"definition": "none", "not valid": True, "index unusable": True, "not upheld": True},
    "index": {"definition": "none", "unusable": True},
    "look-up": {"unusable": True},
    "trigger": {"definition": "none", "fires": "on Mondays"},
    "function": {
        "arguments": "none",
        "result": "none",
        "kind": "a",
        "language": "none",
        "volatility": "none",
        "leakproof": True,
        "parallel": "none",
        "settings": ["search_path=pg_temp"],
        "text": "none",
        "body": "none",
    },
}


def without(kind: str, name: str, among: Objects) -> Objects:
    return {**among, kind: {other: facts for other, facts in among[kind].items() if other != name}}


def with_fact(kind: str, name: str, fact: str, value: Any, among: Objects = SHIPPED) -> Objects:
    return {**among, kind: {**among[kind], name: {**among[kind][name], fact: value}}}


def alone(kind: str, name: str) -> Objects:
    """The object and all tables: objects are compared one by one, and thousands of equal ones take their time."""
    return {kind: {name: SHIPPED[kind][name]}, "table": SHIPPED["table"]}


def test_equal_descriptions_have_no_difference() -> None:
    assert list(differences(SHIPPED, copy.deepcopy(SHIPPED))) == []


def test_each_missing_or_extra_object_is_reported_once() -> None:
    for kind, name in EACH:
        # Columns and the like are not told of a table that is missing.
        whole = SHIPPED if kind == "table" else alone(kind, name)
        less = without(kind, name, whole)
        for wanted, found in ((whole, less), (less, whole)):
            if kind == "table" and wanted is less:
                continue  # what belongs to it is too many as well
            [difference] = differences(wanted, found)
            assert difference.detail.startswith(title(kind, name))
            assert difference.check in {*MEANINGS, *NOTES}


def changes() -> Iterator[tuple[str, str, str, Any]]:
    for kind, name in EACH:
        for fact in {*FACTS[kind], *SHIPPED[kind][name]}:
            yield kind, name, fact, FACTS[kind].get(fact)


def test_each_different_fact_is_reported_once() -> None:
    for kind, name, fact, value in changes():
        if (kind, fact) == ("table", "persistence") and SHIPPED[kind][name].get(fact):
            continue
        [difference] = differences(alone(kind, name), with_fact(kind, name, fact, value, alone(kind, name)))
        assert difference.detail.startswith(f"{title(kind, name)} ")
        what, _, allows = difference.detail.rpartition(": ")
        assert what
        assert allows
        assert difference.check in {*MEANINGS, *NOTES}


def test_an_unlogged_table_may_be_logged() -> None:
    unlogged = [name for name, facts in SHIPPED["table"].items() if facts.get("persistence")]
    assert unlogged
    for name in unlogged:
        assert list(differences(SHIPPED, with_fact("table", name, "persistence", None))) == []


def test_a_new_not_null_says_what_it_refuses() -> None:
    [nullable] = [
        difference.detail
        for difference in differences(with_fact("column", "ledger_entry.value", "not null", None), SHIPPED)
    ]
    assert nullable.startswith("The column value of ledger_entry is another one")
    assert "not null yes, not none: rows that the ledger must write can be refused" in nullable


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("ledger_entry", "ledger_entry"),
        ("ledger_entry.id", "ledger_entry"),
        ("ledger_numbervoided (entry_id) to ledger_entry", "ledger_numbervoided"),
    ],
)
def test_the_table_of_an_object(name: str, table: str) -> None:
    assert table_of(name) == table


@pytest.mark.parametrize(
    ("schema", "text", "unqualified"),
    [
        (
            "public",
            "nextval(public.ledger_a) + public.ledger_f(public.ledger_b.c)",
            "nextval(ledger_a) + ledger_f(ledger_b.c)",
        ),
        ("public", "x = 'public.ledger_a' AND public.ledger_y", "x = 'public.ledger_a' AND ledger_y"),
        ("public", "'it''s public.ledger_a' || public.ledger_a", "'it''s public.ledger_a' || ledger_a"),
        ("public", 'republic.a, public_a.b, "public.".a', 'republic.a, public_a.b, "public.".a'),
        ("public", "public.upper(public.ledger_a)", "public.upper(ledger_a)"),  # is not PostgreSQL's
        ('"My books"', '"My books".ledger_a, my.books', "ledger_a, my.books"),
        ('"a.b"', '"a.b".ledger_c', "ledger_c"),
    ],
)
def test_the_name_of_the_schema_is_removed(schema: str, text: str, unqualified: str) -> None:
    assert catalogue._unqualifier(schema)(text) == unqualified


def test_the_file_is_as_it_is_written() -> None:
    shipped = catalogue.shipped()
    text = generator.written(shipped.postgresql, shipped.objects, shipped.public)
    assert catalogue.FILE.read_text(encoding="utf-8") == text
    assert json.loads(text)["objects"] == shipped.objects


# ---- Privileges ----------------------------------------------------------------------------------------------------


def held(privilege: str, on: str, name: str, *, role: str = "shop", **facts: Any) -> Remark:
    return Remark("privilege", name, {"privilege": privilege, "on": on, "role": role, **facts})


@pytest.mark.parametrize(
    ("remark", "allowed", "told"),
    [
        (held("SELECT", "table", "t"), {}, ""),
        (held("SELECT", "table", "t", role=""), {}, "Every role has SELECT on table t, by PUBLIC"),
        (held("INSERT", "table", "t"), {}, "The role shop has INSERT on table t"),
        (held("INSERT", "table", "t"), {"t": {"INSERT"}}, ""),
        (held("INSERT", "table", "t"), {"u": {"INSERT"}}, "The role shop has INSERT on table t"),
        (held("INSERT", "table", "t", grantable=True), {"t": {"INSERT"}}, "may grant INSERT on table t to others"),
        (held("INSERT", "table", "t", role=""), {"t": {"INSERT"}}, "Every role has INSERT on table t"),
        (held("UPDATE", "table", "t"), {"t": {"UPDATE (a)"}}, "The role shop has UPDATE on table t"),
        (held("UPDATE", "table", "t", column="a"), {"t": {"UPDATE (a)"}}, ""),
        (held("UPDATE", "table", "t", column="a"), {"t": {"UPDATE"}}, ""),
        (held("UPDATE", "table", "t", column="b"), {"t": {"UPDATE (a)"}}, "The role shop has UPDATE (b) on table t"),
        (held("USAGE", "schema", "public", role=""), {}, ""),
        (held("CREATE", "schema", "public"), {}, "The role shop has CREATE on schema public"),
        (held("EXECUTE", "function", "f(text, bigint)"), {"f": {"EXECUTE"}}, ""),
        (held("EXECUTE", "function", "f()"), {"g": {"EXECUTE"}}, "The role shop has EXECUTE on function f()"),
        (held("EXECUTE", "function", "f()", role=""), {"f": {"EXECUTE"}}, "Every role has EXECUTE on function f()"),
    ],
)
def test_privileges_beyond_what_is_allowed(remark: Remark, allowed: dict[str, set[str]], told: str) -> None:
    sentences = list(excess([remark, Remark("owner", "t", {})], allowed, ["EXECUTE on function known()"]))
    assert len(sentences) == bool(told)
    assert all(told in sentence for sentence in sentences)


def test_what_the_migrations_leave_to_everybody_is_allowed() -> None:
    label = "EXECUTE on function f()"
    assert list(excess([held("EXECUTE", "function", "f()", role="")], {}, [label])) == []
