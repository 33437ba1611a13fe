"""Checks that the ledger's schema is as the migrations made it, who owns it, and who may do what with it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Final, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from ledger import testing
from ledger.grants.purposes import PURPOSES, READING, TableGrant, contributions
from ledger.grants.statements import unbound
from ledger.models import RolePurpose
from ledger.models.tables import all_tables
from ledger.prepared import prepared_holders
from ledger.verification import catalogue
from ledger.verification.catalogue import Catalogue, Remark, Shipped, privilege_label, table_of
from ledger.verification.differences import HOST, differences
from ledger.verification.findings import NOTES, Alarm, Note, alarm_for

#: Name → the privileges that any role may hold on it. A name is a table, ``table.column`` for the sequence of an
#: identity column, or a function without its types. ``UPDATE (column)`` covers that column, ``UPDATE`` all of them.
Allowed: TypeAlias = Mapping[str, Set[str]]

#: What a role can do with a privilege, as a sentence continues after a colon.
_ALLOWS: Final = {
    "SELECT": "whoever can connect reads it",
    "INSERT": "it can write rows past the functions that check them",
    "UPDATE": "it can change rows past the functions that check them",
    "DELETE": "it can take rows away",
    "TRUNCATE": "it can empty the table",
    "REFERENCES": "a table of its own can keep rows from being changed or deleted, and tells which are there",
    "TRIGGER": "it can run code of its own with the rights of whoever writes a row",
    "MAINTAIN": "it can lock the table for as long as it likes",
    "USAGE": "it can use up ids, and see how many were given out",
    "EXECUTE": "it can do what only the ledger's own roles should do",
    "CREATE": "it can make functions, operators and tables that are taken for the ledger's own, or PostgreSQL's",
}


#: What fails in the ledger's own functions without a privilege.
_STOPPED: Final = {
    "SELECT": "what reads it, such as issuing, a page or a foreign key,",
    "INSERT": "what writes a row to it",
    "UPDATE": "what changes or locks a row of it, as foreign keys to it do,",
    "DELETE": "what takes a row out of it, such as a number out of its queue,",
    "EXECUTE": "what calls it",
    "USAGE": "what needs it to write a row",
}


def granted(others: Iterable[TableGrant] = ()) -> Allowed:
    """What ``ledger_grants`` gives for any purpose; ``others`` are the tables of other apps of Folio."""
    allowed: dict[str, set[str]] = {name: {"EXECUTE"} for name in READING}
    for purpose in PURPOSES.values():
        allowed |= {name: {"EXECUTE"} for name in purpose.functions}
        for privileges, models in purpose.writes:
            for model in models:
                allowed.setdefault(model._meta.db_table, set()).update(privileges.split(", "))
    for grant in others:
        allowed[grant.table] = {"INSERT", *(f"UPDATE ({column})" for column in grant.columns)}
    return allowed


def excess(remarks: Iterable[Remark], allowed: Allowed, public: Collection[str]) -> Iterator[str]:
    """A sentence for each privilege that is neither the owner's, nor ``allowed``, nor in ``public`` if all have it.

    Reading changes nothing, so SELECT is reported only if every role has it.
    """
    for remark in remarks:
        privilege, role = remark.facts.get("privilege"), remark.facts.get("role")
        if remark.kind != "privilege" or (remark.facts["on"] == "schema" and privilege == "USAGE"):
            continue
        label, power = privilege_label(remark), _ALLOWS.get(str(privilege), _ALLOWS["UPDATE"])
        if not role:
            if label not in public:
                yield f"Every role has {label}, by PUBLIC: {power}"
        elif privilege != "SELECT" and not _is_allowed(remark, allowed):
            yield f"The role {role} has {label}: {power}"
        elif privilege != "SELECT" and remark.facts.get("grantable"):
            yield f"The role {role} may grant {label} to others: they can then do what Folio's purposes give to few"


def _is_allowed(remark: Remark, allowed: Allowed) -> bool:
    privilege, column = remark.facts["privilege"], remark.facts.get("column")
    name = remark.name.partition("(")[0] if remark.facts["on"] == "function" else remark.name
    of_this = allowed.get(name, frozenset())
    return privilege in of_this or (column is not None and f"{privilege} ({column})" in of_this)


# The check and the sentence of each kind of remark that is a finding, and of each that is a note.
_FINDINGS: Final = {
    "superuser": (
        "superuser",
        "The ledger is owned by {role}, a superuser: its functions run with the rights of a superuser whoever calls "
        "them, so a fault in one opens the whole server, and no guard binds who logs in as {role}",
    ),
    "owner": ("owner", "The {name} is owned by {role}, the other tables by {owner}: {role} can change and drop it"),
    "landlord": ("owner", "The {name} is owned by {role}, not by {owner}: {role} can drop everything in it"),
    "stranger": (
        "owner",
        "The {name} in the ledger's schema is owned by {role}, not by {owner}: it can be called in place of the "
        "ledger's own, or PostgreSQL's, with the rights of whoever calls it",
    ),
    "definer": (
        "definer",
        "The function {name} doesn't belong to the ledger, and runs with the rights of {role} whoever calls it: it can "
        "write what its caller may not",
    ),
    "view": (
        "privilege",
        "The role {role} has {privilege} on {name}, which writes to the ledger with the rights of {owner}: rows can be "
        "changed past the functions that check them",
    ),
    "revoked": (
        "revoked",
        "The ledger's owner {owner} has no {privilege} on {name}: {stopped} is refused, whoever calls it",
    ),
    "language": (
        "function",
        "The language {name} is run by {handler}, not by PostgreSQL's own handler: functions can do anything else",
    ),
    "computed": (
        "definer",
        "The statistics {name} on {table} run {function} when the table is analysed: other people's code has the "
        "rights of the ledger's owner",
    ),
    "extension": (
        "extension",
        "The {name} belongs to the extension {extension}: DROP EXTENSION drops it, and backups by pg_dump may lack it",
    ),
    "power": ("privilege", "The role {role} is a member of {through}, which reaches around the ledger's grants"),
    "setting": (
        "session-setting",
        "Sessions of {whose} begin with {name} = {value}: foreign keys are not upheld in them, or code of others runs",
    ),
    "hidden": (
        "shadow",
        "The function {name} is hidden from this connection by another one of the same name: that one is called",
    ),
    "overload": (
        "shadow",
        "The function {name} has the name of one of the ledger's, and is on this connection's search_path: if its "
        "arguments fit a call better, that one is called",
    ),
}
_NOTES: Final = {
    "member": ("member", "The role {role} may become {through}, the ledger's owner: grants don't limit it"),
    "starts with": ("starts-with", "Sessions of {whose} begin with {name} = {value}"),
    "default": ("default-privileges", "What {owner} makes next gives {privilege} on {name} to {role} at once"),
    "host": ("host", "There is {name} beside what the migrations made"),
    "neighbour": ("neighbour", "The {name} lies in the ledger's schema, and is owned by {role}, not by {owner}"),
    "replica identity": ("replica-identity", "The table {name} has another replica identity than the default"),
    "subscription": ("subscription", "The subscription {name} writes to the table {table} what another server sends"),
    "collation": (
        "collation",
        "The database's texts were sorted by version {made} of the collation {name}, and this system has {now}",
    ),
    "event trigger": ("event-trigger", "The event trigger {name} runs {function} when {moment}"),
    "stand-in": ("stand-in", "The {name} can be called in place of PostgreSQL's own where its arguments fit better"),
}


def broken_guards(
    connection: BaseDatabaseWrapper, *, allowed: Allowed | None = None, shipped: Shipped | None = None
) -> Iterator[Alarm | Note]:
    """Everything in the schema that is not as the migrations made it, and every privilege that is not ``allowed``.

    ``allowed`` says what roles other than the owner may hold; by default what ``ledger_grants`` gives
    (``privileges.granted``). ``shipped`` is the description to compare with, by default that of this version.
    """
    shipped = shipped or catalogue.shipped()
    ours = set(all_tables())
    contributed = shipped.objects["table"].keys() - ours
    found = catalogue.read(connection, ours | contributed)
    if found is None:
        yield alarm_for("table", "None of the ledger's tables is there")
        return
    if allowed is None:
        allowed = granted(contributions(connection.alias))
    yield from _differences(connection, found, shipped, contributed)
    for name, schema in sorted(found.elsewhere.items()):
        yield alarm_for(
            "shadow",
            f"The name {name} leads to the schema {schema}, not to {found.schema}, where the ledger is: rows are read "
            "and written there that no guard of the ledger has seen",
        )
    for remark in found.remarks:
        if remark.kind == "superuser" and testing.is_test_database(connection):
            continue
        if remark.kind in _FINDINGS or remark.kind in _NOTES:
            check, sentence = (_FINDINGS | _NOTES)[remark.kind]
            stopped = _STOPPED.get(remark.facts.get("privilege", ""))
            detail = sentence.format(name=remark.name, stopped=stopped, **remark.facts)
            yield (alarm_for if remark.kind in _FINDINGS else _note)(check, detail)
    for sentence in excess(found.remarks, allowed, shipped.public):
        yield alarm_for("privilege", sentence)
    for sentence in prepared_holders(connection.alias):
        yield _note("prepared-transaction", sentence)


def unbound_roles(connection: BaseDatabaseWrapper, tenant: str | None, series: str | None) -> Iterator[Alarm]:
    """Every role that has a purpose, and since then a power that grants don't limit."""
    for role in RolePurpose.objects.using(connection.alias).values_list("role", flat=True).distinct():
        if (problem := unbound(role, connection.alias)) is not None:
            yield alarm_for("privilege", f"{problem.problem.rstrip('.')}: what it was granted doesn't limit it")


def _differences(
    connection: BaseDatabaseWrapper, found: Catalogue, shipped: Shipped, contributed: set[str]
) -> Iterator[Alarm | Note]:
    if str(found.major) not in shipped.postgresql:
        yield _note(
            "not-compared",
            f"The schema was not compared: this version of Folio knows how PostgreSQL "
            f"{', '.join(shipped.postgresql)} describe it, and this is PostgreSQL {found.major}",
        )
        return
    wanted = shipped.objects
    if not contributed & found.objects["table"].keys():
        # The app that has them is not installed, or its tables are in another database.
        wanted = {
            kind: {
                name: facts for name, facts in there.items() if kind == "function" or table_of(name) not in contributed
            }
            for kind, there in wanted.items()
        }
    if testing.is_test_database(connection):
        # ledger.testing drops the refusal of TRUNCATE there, so that tests can flush.
        refusals = {name for name in wanted["trigger"] if name.endswith(f".{testing.REFUSAL_OF_TRUNCATE}")}
        dropped = refusals - found.objects["trigger"].keys()
        triggers = {name: facts for name, facts in wanted["trigger"].items() if name not in dropped}
        wanted = {**wanted, "trigger": triggers}
    for difference in differences(wanted, found.objects):
        yield (_note if difference.check == HOST else alarm_for)(difference.check, difference.detail)


def _note(check: str, detail: str) -> Note:
    return Note(check, f"{detail}.", NOTES[check])
