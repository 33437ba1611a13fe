"""Plans of all statements, also inside functions and triggers, as the server prints them for debugging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connections
from django.db.backends.signals import connection_created

_TOKEN = re.compile(r"[{}()]|(?:\\.|[^\s{}()])+")
_SCANS = {"SEQSCAN", "INDEXSCAN", "INDEXONLYSCAN", "BITMAPHEAPSCAN", "TIDSCAN", "TIDRANGESCAN"}
#: The number by which an index-only scan names the index's columns.
_OF_INDEX = -3
_QUALS = ("qual", "indexqualorig", "bitmapqualorig", "recheckqual", "tidquals")


class Scan(NamedTuple):
    """A scan of a table, and the columns that its conditions name."""

    table: int
    columns: frozenset[int]


class Node(NamedTuple):
    name: str
    fields: dict[str, list[Any]]

    def one(self, name: str) -> Any:
        return self.fields[name][0]


@contextmanager
def printed(alias: str) -> Iterator[list[str]]:
    """The plans of all statements on new connections of that alias, second ones included, as they are made."""
    found: list[str] = []

    def listen(connection: Any, **_: Any) -> None:
        if connection.alias == alias:
            connection.connection.add_notice_handler(
                lambda notice: found.append(notice.message_detail) if notice.message_primary == "plan:" else None
            )

    options = connections[alias].settings_dict["OPTIONS"]
    before = options["options"]
    options["options"] = f"{before} -c debug_print_plan=on -c debug_pretty_print=off -c client_min_messages=log"
    connections[alias].close()
    connection_created.connect(listen)
    try:
        yield found
    finally:
        connection_created.disconnect(listen)
        options["options"] = before
        connections[alias].close()


def scans(plan: str) -> list[Scan]:
    """All scans of tables in a plan."""
    tokens = iter(_TOKEN.findall(plan))
    assert next(tokens) == "{"
    root = _node(tokens)
    tables = [int(entry.one("relid")) if "relid" in entry.fields else 0 for entry in root.one("rtable")]
    return [
        Scan(tables[at - 1], frozenset(_columns(node, at)))
        for node in _nodes(root)
        if node.name in _SCANS
        for at in [int(node.one("scanrelid"))]
    ]


def _columns(scan: Node, at: int) -> Iterator[int]:
    """The columns of the scanned table that its conditions name, also where an index alone is read."""
    for node in _nodes([scan.fields.get(name, []) for name in _QUALS]):
        if node.name != "VAR" or int(node.one("varno")) not in (at, _OF_INDEX):
            continue
        if int(node.one("varno")) == _OF_INDEX:
            node = scan.one("indextlist")[int(node.one("varattno")) - 1].one("expr")
        yield int(node.one("varattno"))


def _nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, Node):
        yield tree
        tree = list(tree.fields.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each)


def _node(tokens: Iterator[str]) -> Node:
    node = Node(next(tokens), {})
    values: list[Any] = []
    for token in tokens:
        if token == "}":
            return node
        if token.startswith(":"):  # :scan.plan.qual in newer servers, :qual in older ones
            values = node.fields.setdefault(token.rpartition(".")[2].lstrip(":"), [])
        else:
            values.append(_value(token, tokens))
    raise AssertionError("the plan ends in the middle of a node")


def _value(token: str, tokens: Iterator[str]) -> Any:
    if token == "{":
        return _node(tokens)
    if token != "(":
        return token
    values = []
    while (token := next(tokens)) != ")":
        values.append(_value(token, tokens))
    return values
