"""Going through the ids of many rows in sets, each in a statement of its own, so that no snapshot grows old."""

from collections.abc import Iterator
from typing import Any

from django.db import connections


def id_batches(alias: str, statement: str, size: int, **parameters: Any) -> Iterator[list[int]]:
    """The ids that ``statement`` finds, ``size`` at a time.

    Its first column is the id, by which it orders; it takes ``after``, the last id of the set before, ``size``, and
    ``parameters``. What comes to be meanwhile is found if its id is higher.
    """
    after = 0
    while True:
        with connections[alias].cursor() as cursor:
            cursor.execute(statement, {**parameters, "after": after, "size": size})
            ids = [row[0] for row in cursor.fetchall()]
        if ids:
            yield ids
        if len(ids) < size:
            return
        after = ids[-1]
