"""The texts of everything that ``ledger_verify`` can find: the broken rule, what is wrong, and what to do."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from ledger import prepared

_RESTORE: Final = "Keep the database as it is, find out who wrote to it, and restore the row from a backup."
_WHO: Final = "Find out who wrote it: Folio's guards refuse such a row."
_INVESTIGATE: Final = f"{_WHO} Then void the number, or restore a backup."
_UNQUEUE: Final = f"{_WHO} Then delete it as the owner, or restore a backup."
_ACKNOWLEDGE: Final = "manage.py ledger_verify acknowledge, with the reason for which it may stand."
_CULPRIT: Final = "Find out who did it, and what they wrote in the meantime."
_REBUILD: Final = (
    "If migrations wait, run manage.py migrate. Functions and guards: manage.py ledger_install, as the owner. Else "
    f"create it again as the owner, as pg_dump --schema-only shows it for a newly migrated database. {_CULPRIT}"
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One row, or one range of values, that breaks a rule; or a guard that is missing.

    ``rule`` is the number of the rule in ``ledger.verification``, ``check`` the name of what was found, ``value`` and
    ``through`` the first and last value concerned, ``table`` and ``id`` the row, if there is one; ``starts_on`` and
    ``ordinal`` say which period. ``reason`` is the reason of its acknowledgement, if there is one.
    """

    rule: int | None
    check: str
    problem: str
    remedy: str
    tenant: str | None = None
    series: str | None = None
    period: str | None = None
    value: int | None = None
    through: int | None = None
    number: str | None = None
    table: str | None = None
    id: int | None = None
    starts_on: date | None = None
    ordinal: int = 0
    reason: str = ""

    def __str__(self) -> str:
        where = [f"tenant {self.tenant!r}"] if self.tenant is not None else []
        where += [f"series {self.series!r}"] if self.series is not None else []
        where += [f"period {self.period}"] if self.period is not None else []
        where += [self.number] if self.number is not None else []
        where += [f"{self.table} {self.id}"] if self.id is not None else []
        place = f" ({', '.join(where)})" if where else ""
        rule = "" if self.rule is None else f"rule {self.rule}, "
        todo = f"Acknowledged: {self.reason}" if self.reason else self.remedy
        return f"{rule}{self.check}{place}: {self.problem} {todo}"


def period_label(starts_on: date | None, ends_on: date | None, ordinal: int = 0) -> str | None:
    """The name of a period for people; None without one."""
    if starts_on is None or ends_on is None:
        return None
    told = "for ever" if (starts_on, ends_on) == (date.min, date.max) else f"{starts_on} to {ends_on}"
    return f"{told}, range {ordinal}" if ordinal else told


@dataclass(frozen=True, slots=True)
class Note:
    """Something that breaks no rule but should be known; ``check`` is its name in ``NOTES``."""

    check: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"note, {self.check}: {self.problem} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The wording of one check; ``problem`` may use {values}, {number} and {detail}."""

    rule: int
    table: str | None
    problem: str
    remedy: str = _INVESTIGATE


def _of_queue(queue: str, waits: str) -> dict[str, Meaning]:
    """What can be wrong with a value that waits in a queue."""
    table = f"ledger_{queue}"
    return {
        f"{queue}-twice": Meaning(1, table, f"The value {{values}} {waits}, and {{detail}} as well.", _UNQUEUE),
        f"{queue}-of-stranger": Meaning(
            1,
            table,
            f"The value {{values}} {waits} in period {{detail}}, which does not exist, or is of another tenant or "
            "series.",
            _UNQUEUE,
        ),
        f"{queue}-beyond-counter": Meaning(
            2, table, f"The value {{values}} {waits}, and the counter gave out {{detail}}.", _UNQUEUE
        ),
        f"{queue}-in-closed-period": Meaning(
            7, table, f"The value {{values}} {waits}, though its period was closed at {{detail}}.", _UNQUEUE
        ),
    }


#: What to do about a key that Folio would not make today, and about a text that can't be a key.
_OTHER_KEY: Final = {
    "document": "The number stays as it is. Where the same row may be numbered again, pass the key as it stands here, "
    f"issue(…, document='…'), or the row gets a second number. Then {_ACKNOWLEDGE}",
    "tenant": "Pass the key as it stands here wherever you issue for it, issue(…, org='…'), or its numbers begin again "
    f"at 1. Then {_ACKNOWLEDGE}",
}
_NO_KEY: Final = {
    "document": "The number stays as it is. Before you issue for the same document under a text that can be a key, "
    f"look for this one, or the document gets a second number. Then {_ACKNOWLEDGE}",
    "tenant": "Folio refuses this tenant now. Define its series under a text that can be a key, and take over the "
    f"numbers so far: manage.py ledger_adopt. Then {_ACKNOWLEDGE}",
}


def _of_keys(what: str, table: str, name: str) -> dict[str, Meaning]:
    """What can be wrong with the key of a document or a tenant."""
    return {
        f"{what}-text": Meaning(
            3, table, f"{name} {{detail!a}} is a text that can't be a key: another may look the same.", _NO_KEY[what]
        ),
        f"{what}-of-child": Meaning(
            3,
            table,
            f"{name} is named by a model whose rows are those of a parent, which has the key: {{detail}}.",
            _OTHER_KEY[what],
        ),
        f"{what}-form": Meaning(
            3, table, f"{name} has a primary key in another form than the database keeps: {{detail}}.", _OTHER_KEY[what]
        ),
    }


#: By rule and table, the problem of each check, with its remedy if that is not _INVESTIGATE.
_PROBLEMS: Final[dict[tuple[int, str | None], dict[str, str | tuple[str, str]]]] = {
    (1, None): {
        "lost-or-tampered": (
            "Nothing is known about {values}, though the counter gave it out: rows were lost or tampered with.",
            "No rollback leaves such a hole: a value has an entry, or waits as a free slot or a reservation. "
            + _RESTORE
            + " What no backup has, manage.py ledger_gaps sweep --flag-lost turns into gaps to be explained.",
        )
    },
    (1, "ledger_adoptedgap"): {
        "gap-overlaps": "The missing values {values} lie in another range of them as well.",
        "gap-outside": "The missing values {values} lie outside their period's {detail}.",
    },
    (1, "ledger_entry"): {
        "value-twice": "The value {values} has an entry already.",
        "entry-in-gap": "The value {values} lies in a range that was adopted as missing.",
        "below-first": "The value {values} lies below {detail}, the first one of its period.",
        "no-period": ("Its series, or its period {detail}, does not exist.", _RESTORE),
        "other-period": "Its period {detail} belongs to another tenant or series.",
        "unknown-kind": "Its kind is {detail!r}.",
    },
    (1, "ledger_slot"): {
        "slot-hidden": (
            "The free slot {values} lies below {detail}, where its pool begins, so no checkout would take it.",
            "As the owner, delete the period's row of ledger_pool: the next checkout begins at the lowest slot.",
        ),
        "slot-stranded": (
            "The free slot {values} waits in a series that is {detail}, so no checkout would take it.",
            "Run manage.py ledger_series allocate with the allocation that the series has: it settles what waits.",
        ),
    },
    (2, "ledger_entry"): {"beyond-counter": "The value {values} lies above {detail}, where the counter stands."},
    (2, "ledger_period"): {
        "counter": (
            "The counter stands at {values}, and the highest value with an entry, a slot or a reservation is {detail}.",
            "If rows are missing, restore them. If the counter was moved, and the rows are right, set it back.",
        ),
        "latest-date": (
            "The chronology guard would let an earlier date pass: {detail}.",
            "Switch the guard on by define_series(…, chronological=True), after switching it off.",
        ),
        "period-overlaps": "It overlaps a period of the same series that runs until {detail}.",
        "period-unauthorised": "Its values or days are not those of the range that an authority granted.",
        "period-of-stranger": "Its series {detail} does not exist, or belongs to another tenant.",
    },
    (2, "ledger_series"): {
        "setting": (
            "{detail} So nothing can be issued, and no period opened.",
            "Set it right with define_series or in the admin, or go back to the version of Folio, or of the time zone "
            "database, that knows it.",
        )
    },
    (3, "ledger_entry"): {
        "number-twice": "Entry {detail} has the number {number} too, without regard to case.",
        "document-twice": "The document has two numbers: {detail}.",
        "replaces-wrongly": "It replaces {detail}, which doesn't exist, isn't void, or belongs to another document.",
        "wrong-number": ("The number {number} should be {detail}.", _RESTORE),
    },
    (3, "ledger_series"): {
        "code-text": (
            "The code {detail!a} is a text that can't be a key: another may look the same.",
            "Folio refuses this code now. Define a series under a code that can be a key, and take over the numbers so "
            f"far: manage.py ledger_adopt. Then {_ACKNOWLEDGE}",
        )
    },
    (3, "ledger_slot"): {
        "slot-undrafted": (
            "The free slot {values} of a remote series has no draft in {detail}, so it has no number to give out.",
            _UNQUEUE,
        )
    },
    (4, "ledger_ticket"): {
        "ticket-left": (
            "A ticket was committed without a number, though its checkout was promised one: {detail}.",
            "Issue for its document again, then delete the ticket as the owner. Find out who switched its trigger off.",
        )
    },
    (5, "ledger_numbervoided"): {
        "void-of-nothing": ("It names entry {detail}, which does not exist.", _RESTORE),
        "void-of-stranger": "It names an entry of tenant {detail!r}.",
        "void-too-early": (
            "It is older than the number that it names: {detail}.",
            f"If the server's clock was set back, {_ACKNOWLEDGE} Else find out who wrote it.",
        ),
        "void-twice": "The number is void already, by {detail}.",
    },
    (6, "ledger_entry"): {"gap-with-document": "It is flagged as a gap, and names the document {detail!r}."},
    (6, "ledger_gapdeclared"): {
        "declared-no-gap": "It declares {values} of period {detail} as missing, which are not all gaps of its tenant."
    },
    (6, "ledger_gapexplained"): {"explained-no-gap": "It explains {detail}, which is not a gap of its tenant."},
    (6, "ledger_numbervoided"): {"void-of-gap": "It names entry {detail}, which is a gap."},
    (7, "ledger_entry"): {
        "after-closing": (
            "It was issued after its period was closed: {detail}.",
            f"{_INVESTIGATE} If it was the server's clock, {_ACKNOWLEDGE}",
        ),
        "date-outside": "Its date {detail} lies outside its period.",
    },
    (8, None): {
        "unreadable": (
            "Its column {column} holds what Folio never writes, and programs may not be able to read: {detail}.",
            f"{_WHO} Pages and reports show it as it is. As the owner, correct it, or restore a backup.",
        ),
        "sealed-row-changed": ("The row is not the one that seal {detail} covers: it was changed.", _RESTORE),
        "sealed-row-gone": ("The row that seal {detail} covers is gone.", _RESTORE),
        "sealed-row-added": (
            "The row is in no seal, though it says that it is older than seal {detail}, or of another era: it was "
            "written without Folio."
        ),
        "sealed-row-twice": ("The row is in the seals {detail}; it has to be in one.", _CULPRIT),
        "sealed-setting": ("It is not as it was sealed, and no event says who changed that: {detail}.", _RESTORE),
    },
    (8, "ledger_adoptedgap"): {
        "gap-of-nothing": ("Its adoption or period does not exist, or belongs to another tenant.", _RESTORE)
    },
    (8, "ledger_adoption"): {
        "adoption-of-nothing": ("Its series {detail} does not exist, or belongs to another tenant.", _RESTORE)
    },
    (8, "ledger_draftcancelled"): {
        "cancelled-in-use": (
            "A cancelled draft does not exist, or a document has its number: {detail}.",
            "See in the accounting system whether the document is there. Folio cancels no draft whose number was "
            "issued.",
        )
    },
    (8, "ledger_draftmade"): {
        "draft-of-nothing": (
            "The draft {number} is of period {detail}, which is of another tenant, or never gave out its value.",
            _RESTORE,
        )
    },
    (8, "ledger_findingraised"): {
        "finding-of-stranger": ("What it points to, {detail}, does not exist, or belongs to another tenant.", _RESTORE),
        "finding-twice": "It is unresolved {detail} times; a finding is raised once.",
    },
    (8, "ledger_holereported"): {
        "hole-of-nothing": (
            "The hole {values} was reported in period {detail}, which is of another tenant, or never gave it out.",
            _RESTORE,
        )
    },
    (8, "ledger_seal"): {
        "seal-broken": ("The chain of seals is broken: {detail}.", _RESTORE),
        "seal-other": ("Seal {detail} is not the one that was kept outside: history was rewritten.", _RESTORE),
        "seal-gone": (
            "Seal {detail} was kept outside, and is not here: the end was cut off, or an old backup was restored.",
            _RESTORE,
        ),
    },
    (9, "ledger_reservation"): {
        "reservation-old": (
            "The value {values} has been reserved since {detail}, longer than sweeps allow.",
            "Run manage.py ledger_gaps sweep, and have a worker run it. What is left then is held by a checkout that "
            "still runs: end that.",
        )
    },
}

#: The remedies of what is wrong with the schema. The problem names the object, what is different, and what that allows.
_OF_SCHEMA: Final = {
    "table": f"Restore it from a backup, with its rows. {_CULPRIT}",
    "unlogged": "As the owner, ALTER TABLE … SET LOGGED, and find out who changed that.",
    "index": f"Void numbers that came twice in the meantime; REINDEX repairs an index that isn't valid. {_REBUILD}",
    "rule": f"As the owner, DROP RULE. {_CULPRIT}",
    "row-security": (
        "As the owner, DROP POLICY, ALTER TABLE … NO FORCE ROW LEVEL SECURITY and DISABLE ROW LEVEL SECURITY; then "
        f"verify again, since rows may have been hidden from these checks. {_CULPRIT}"
    ),
    "inheritance": f"As the owner, look at the rows there, then ALTER TABLE … NO INHERIT. {_CULPRIT}",
    "owner": "Give it to the ledger's owner by ALTER … OWNER TO, or drop it; and take CREATE on the schema from that "
    "role.",
    "superuser": (
        "Give the ledger to a role without powers, as the guide of the database shows (give the ledger away), and let "
        "the application log in as another: manage.py ledger_grants."
    ),
    "privilege": "As the owner, REVOKE it; manage.py ledger_grants shows what a role needs, and revokes all else.",
    "revoked": f"As the owner, GRANT it to the owner again. {_CULPRIT}",
    "session-setting": f"As a superuser, ALTER ROLE … or ALTER DATABASE … RESET it. {_CULPRIT}",
    "definer": "Read it, and drop it or move it to a schema of its own. Folio's functions never need it.",
    "extension": "As the owner of both, ALTER EXTENSION … DROP TABLE or DROP FUNCTION, which keeps it; or ALTER … NO "
    "DEPENDS ON EXTENSION. Then take a backup.",
    "shadow": "Drop or rename what poses as the ledger's, or put the ledger's schema first in the connection's "
    "search_path.",
    "not-checked": "Grant this role what it needs, or restore what is missing; then verify again.",
    **dict.fromkeys(("column", "sequence", "constraint", "trigger", "function"), _REBUILD),
}

MEANINGS: Final[dict[str, Meaning]] = {
    check: Meaning(rule, table, *((told,) if isinstance(told, str) else told))
    for (rule, table), problems in _PROBLEMS.items()
    for check, told in problems.items()
}
MEANINGS.update({check: Meaning(8, None, "{detail}.", remedy) for check, remedy in _OF_SCHEMA.items()})
MEANINGS.update(_of_queue("slot", "is a free slot"))
MEANINGS.update(_of_queue("reservation", "is reserved"))
MEANINGS.update(_of_keys("document", "ledger_entry", "The document"))
MEANINGS.update(_of_keys("tenant", "ledger_series", "The tenant"))


def alarm_for(
    check: str,
    detail: object = None,
    *,
    value: int | None = None,
    through: int | None = None,
    number: str | None = None,
    table: str | None = None,
    column: str = "",
    **where: Any,
) -> Alarm:
    """An alarm of ``check`` with the texts of MEANINGS; ``where`` has more facts."""
    meaning, through = MEANINGS[check], value if through is None else through
    values = f"{value}" if through == value else f"{value} to {through}"
    problem = meaning.problem.format(values=values, number=number, detail=detail, column=column)
    facts: dict[str, Any] = {"value": value, "through": through, "number": number, "table": table or meaning.table}
    return Alarm(meaning.rule, check, problem, meaning.remedy, **facts, **where)


#: The notes beside the findings, which break no rule but should be known: the name of each, and what it means.
NOTES: Final[dict[str, str]] = {
    "not-compared": "Owners, privileges and rows were checked. Upgrade Folio to have the rest checked as well.",
    "neighbour": "It can't write to the ledger. Its owner may create objects here, or once did: see who has CREATE.",
    "replica-identity": "It decides what logical replication sends for a row, and changes nothing here.",
    "member": "Only whoever migrates should log in as such a role.",
    "starts-with": "Names may mean other objects, a checkout may be told a number before it is on disk, or nothing can "
    "be written. Find out who set it.",
    "default-privileges": "ledger_verify reports each privilege that it gives. ALTER DEFAULT PRIVILEGES … ends it.",
    "host": "It is the host's own business, and changes no row of the ledger.",
    "subscription": "A copy of the ledger is made so. Elsewhere such rows come past the functions that check them.",
    "collation": "An index may not find a number that is there, and take it twice. REINDEX DATABASE, and then ALTER "
    "DATABASE … REFRESH COLLATION VERSION.",
    "event-trigger": "It runs in each migration or session, and can change what that does. Find out who wrote it.",
    "stand-in": "The ledger's functions may call it, with the rights of the ledger's owner. Find out who made it.",
    "prepared-transaction": prepared.REMEDY,
}
