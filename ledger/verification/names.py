"""Gives the constraints of a cloned schema the names that the migrations gave them.

Tools clone by ``CREATE TABLE … (LIKE … INCLUDING ALL)``, which makes the same constraints under PostgreSQL's names.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger.verification import catalogue
from ledger.verification.differences import table_of


def restore_names(connection: BaseDatabaseWrapper) -> int:
    """Rename what is a constraint of the ledger in all but its name, and return how many; call it in a transaction."""
    shipped = catalogue.shipped().objects
    found = catalogue.read(connection, shipped["table"].keys())
    there = {} if found is None else found.objects["constraint"]
    gone = {name: facts for name, facts in shipped["constraint"].items() if name not in there}
    wanted = {(table_of(name), facts["definition"]): name for name, facts in gone.items()}
    renamed = 0
    with connection.cursor() as cursor:
        for name in sorted(there.keys() - shipped["constraint"].keys()):
            table = table_of(name)
            right = wanted.pop((table, there[name]["definition"]), None)
            if right is not None:
                old, new = (connection.ops.quote_name(each.removeprefix(f"{table}.")) for each in (name, right))
                cursor.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
                renamed += 1
    return renamed
