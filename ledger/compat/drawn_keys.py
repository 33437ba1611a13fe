"""Primary keys that are drawn before their rows are inserted, so that a document's key is known when it is numbered."""

from django.db import connections, models

from ledger.cursors import fetch
from ledger.errors import InvalidDocument

# Arguments: table, column, how many.
_NEXT_KEYS = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"


def draw_keys(model: type[models.Model], alias: str, count: int) -> list[int]:
    """``count`` primary keys from the sequence of the model's table; none if it has no automatic key."""
    if not count or not isinstance(model._meta.pk, models.AutoField):
        return []
    table = connections[alias].ops.quote_name(model._meta.db_table)
    drawn = [key for (key,) in fetch(alias, _NEXT_KEYS, [table, model._meta.pk.column, count])]
    if None in drawn:
        raise InvalidDocument(
            f"The table {model._meta.db_table!r} has no sequence of its own for {model._meta.pk.column!r}.",
            rule="A number is given to a document whose key is known, and this key would be known only afterwards.",
            remedy="Give the instance its primary key before it is saved.",
        )
    return drawn
