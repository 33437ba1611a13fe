"""What keeps old code honest after the move: a trigger on its table, so that a counter that was moved counts in Folio.

Old processes may still run, and they would give out the numbers that Folio gives out. The statement of django-sequences
reads back what was written, so the trigger takes the values from the series, and both count on from each other. Code
that adds one by itself (django-sequence, and ``reset_value`` or ``nowait`` of the other) gets an error as soon as
somebody else has counted: an error is seen, a number that is there twice is not.
"""

from django.db import connections


def keep_others_from_moving(alias: str, table: str) -> None:
    """One move at a time; who takes numbers of the old table isn't kept."""
    _lock(alias, table, "SHARE UPDATE EXCLUSIVE")


def check_now(alias: str) -> None:
    """Have foreign keys of all that was made checked now, and not at the commit, when callers wait for it."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def lock_counters(alias: str, table: str) -> None:
    """Wait for transactions that hold a number of the old table, and let no other take one until this one ends."""
    _lock(alias, table, "SHARE ROW EXCLUSIVE")


def _lock(alias: str, table: str, mode: str) -> None:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {connection.ops.quote_name(table)} IN {mode} MODE")


def build_bridge(alias: str, table: str, kind: str, key: str, counter: str, *, whole: bool) -> None:
    """Let the table's moved counters count in Folio from the end of this transaction on; done twice it is done once.

    ``whole`` where all of them were moved: then it takes no new one.
    """
    connection = connections[alias]
    name = connection.ops.quote_name(table)
    triggers = [("ledger_moved_counter", "UPDATE OR DELETE")]
    if whole:
        triggers.append(("ledger_moved_new_counter", "INSERT"))
    with connection.cursor() as cursor:
        for trigger, event in triggers:
            # OR REPLACE, and not DROP, which waits for readers too: old code that has read its row, and now waits for
            # us to write it, would wait for ever.
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {trigger} BEFORE {event} ON {name} FOR EACH ROW "
                f"EXECUTE FUNCTION {trigger}('{kind}', '{key}', '{counter}')"
            )
