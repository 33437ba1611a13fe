"""What other apps of Folio need in the database, which they say themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connections
from django.db.models import Model


@dataclass(frozen=True, slots=True)
class TableGrant:
    """What a role of the workers needs on a table of another app: to read, to insert, and to update ``columns``."""

    why: str
    model: type[Model]
    columns: tuple[str, ...]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.model._meta.db_table


_contributed: dict[str, Callable[[], Iterable[TableGrant]]] = {}


def contribute(app: str, grants: Callable[[], Iterable[TableGrant]]) -> None:
    """Let ``ledger_grants`` know the tables of ``app``: by a function, called when they are asked for."""
    _contributed[app] = grants


def contributions(using: str) -> list[TableGrant]:
    """What other apps said of their tables, of those that are in this database."""
    with connections[using].cursor() as cursor:
        there = set(connections[using].introspection.table_names(cursor))
    return [grant for grants in _contributed.values() for grant in grants() if grant.table in there]
