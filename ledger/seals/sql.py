"""The statements of sealing and verifying. ``source`` is the table of a row in ``ledger_lines_v1``.

An expression that is the same for all rows of a query, but no constant for the planner, is a SELECT of its own, so that
it is computed once.
"""

from ledger.sql import at_home

# Arguments: tenant or null.
NEXT_SEAL = "SELECT * FROM ledger_next_seal(%s)"
KEEP_SEAL = "SELECT ledger_keep_seal(%s, %s, %s, %s, %b, %s::text[], %s::bigint[], %s::bigint[], %b, %s, %s)"
KEEP_ANCHOR = "SELECT ledger_keep_anchor(%s, %s, %s)"

ERA = "SELECT ledger_era()"

# The commit of a seal covers every row that it has read, even one whose transaction didn't wait for its own commit.
DURABLE = """
    SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
"""

# The rows that a tenant's seals cover, and those that the database's seals cover: rows of no tenant, and the tenants'
# seals. (The chain covers the database's own seals.)
_NO_EVENT_OF_TENANTS = "('ledger_seal', 'ledger_sealanchored', 'ledger_period', 'ledger_series')"
_OF_TENANT = f"l.tenant = %(tenant)s AND l.source NOT IN {_NO_EVENT_OF_TENANTS}"
_OF_DATABASE = """(l.source IN ('ledger_alarmraised', 'ledger_alarmresolved', 'ledger_alarmacknowledged',
                                 'ledger_sealanchored') AND l.tenant IS NULL
                   OR l.source = 'ledger_seal' AND l.tenant IS NOT NULL)"""

# A row is new if the previous seal didn't see it. Transactions below the xmin of its snapshot were over by then, which
# BRIN indexes can use. No transaction has an id at or above the current xmax yet: verify reports a row with one.
_NEW = """l.era = %(era)s AND l.transaction_id >= pg_snapshot_xmin(%(since)s::pg_snapshot)::text::bigint
          AND l.transaction_id < (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
          AND NOT pg_visible_in_snapshot(l.transaction_id::text::xid8, %(since)s::pg_snapshot)"""

# In a new era, all rows that no seal covers yet, including those left from the previous era.
_LEFT = """l.era <= %(era)s AND NOT EXISTS (
               SELECT FROM ledger_sealed_rows(ARRAY[%(tenant)s]::text[]) z WHERE z.source = l.source AND z.id = l.id)"""

# The tenant came by a move that the previous seal didn't see, or has left: its seals may have transaction ids of the
# home that they come from.
_BROUGHT = """EXISTS (SELECT FROM ledger_tenantmove m
                         WHERE m.tenant = l.tenant AND (m.state <> 'arrived' OR NOT pg_visible_in_snapshot(
                             m.mover::text::xid8, %(since)s::pg_snapshot)))"""


def covered(tenant: str | None) -> str:
    """The condition for the rows that the seals of the tenant, or of the database, cover."""
    return _OF_DATABASE if tenant is None else _OF_TENANT


def new_rows(tenant: str | None, *, number: int, since: str | None) -> str:
    """The rows of the next seal, with parameters tenant, era and since."""
    which = _NEW if since is not None else _LEFT if number > 1 else "l.era <= %(era)s"
    rows = f"SELECT l.source, l.id, l.line, l.personal FROM ledger_lines_v1() l WHERE {covered(tenant)} AND "  # noqa: S608
    if tenant is None and since is not None:
        return f"{rows}{which} UNION {rows}{_BROUGHT} AND {_LEFT} ORDER BY source"
    return rows + which


# Series and periods whose row was written roughly since the snapshot; an update of any column counts.
STATE = """
    SELECT l.source, l.id, l.line FROM ledger_lines_v1() l
    WHERE l.tenant = %(tenant)s AND l.source IN ('ledger_period', 'ledger_series')
      AND (%(since)s::text IS NULL OR age(l.version) <= age(pg_snapshot_xmin(%(since)s::pg_snapshot)::xid))
    ORDER BY l.source, l.id
"""

# A seal's snapshot; null if it is invalid, so that the other seals can still be read.
_SNAPSHOT = "CASE WHEN z.snapshot ~ '^[0-9]{1,18}:[0-9]{1,18}:[0-9,]*$' THEN z.snapshot::pg_snapshot END"

# Every tenant with rows that none of its seals has seen. Transactions below the horizon need not be checked: the sweep
# before the database's last seal has sealed all of them. Each tenant's last seal is looked up once.
TENANTS_WITH_NEWS = f"""
    WITH written AS MATERIALIZED (
        SELECT DISTINCT l.tenant, l.era, l.transaction_id
        FROM ledger_lines_v1() l
        WHERE l.tenant IS NOT NULL AND l.source NOT IN {_NO_EVENT_OF_TENANTS}
          AND l.era <= (SELECT ledger_era()) AND l.transaction_id >= greatest(%(horizon)s, 0)
          AND l.transaction_id < (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        UNION
        SELECT m.tenant, (SELECT ledger_era()), m.mover
        FROM ledger_tenantmove m WHERE m.state = 'arrived' AND m.mover >= %(horizon)s
    ), last AS MATERIALIZED (
        SELECT t.tenant, {_SNAPSHOT} AS snapshot, z.era
        FROM (SELECT DISTINCT w.tenant FROM written w) t
        LEFT JOIN LATERAL (
            SELECT z.snapshot, z.era FROM ledger_seal z WHERE z.tenant = t.tenant ORDER BY z.number DESC LIMIT 1
        ) z ON true
    )
    SELECT DISTINCT w.tenant
    FROM written w JOIN last USING (tenant)
    WHERE (last.era IS DISTINCT FROM (SELECT ledger_era())
           OR w.era = last.era AND NOT pg_visible_in_snapshot(w.transaction_id::text::xid8, last.snapshot))
      AND {at_home("w.tenant")}
    ORDER BY w.tenant
"""  # noqa: S608  (our own text)

# The database's last seal: whether it is of this era and of this place, its horizon, whether it is of an earlier day;
# and the transaction id below which all transactions are over now.
CHAIN = """
    SELECT z.era = ledger_era() AS same_era, z.place = ledger_place() AS same_place, coalesce(z.horizon, 0) AS horizon,
           (z.sealed_at AT TIME ZONE 'UTC')::date < (clock_timestamp() AT TIME ZONE 'UTC')::date AS is_earlier,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS decided
    FROM (SELECT) one LEFT JOIN LATERAL (
        SELECT z.era, z.place, z.horizon, z.sealed_at
        FROM ledger_seal z WHERE z.tenant IS NULL ORDER BY z.number DESC LIMIT 1
    ) z ON true
"""

# The last seal of a tenant, and how many of its numbers came later; no row if nothing is sealed. (Two counts, so that
# each can use its index: numbers of the seal's era, and numbers of a later era, which are rare.)
STANDING = f"""
    SELECT z.number, z.root, ledger_head_hash(z.head, z.signature, z.cosignature), z.sealed_at, z.key <> '', (
        SELECT count(*) FROM ledger_entry e
        WHERE e.tenant = %(tenant)s AND e.era = z.era
          AND e.transaction_id >= pg_snapshot_xmin({_SNAPSHOT})::text::bigint
          AND NOT pg_visible_in_snapshot(e.transaction_id::text::xid8, {_SNAPSHOT})
    ) + (
        SELECT count(*) FROM ledger_entry e
        WHERE z.era < (SELECT ledger_era()) AND e.tenant = %(tenant)s AND e.era > z.era
    )
    FROM ledger_seal z WHERE z.tenant = %(tenant)s ORDER BY z.number DESC LIMIT 1
"""  # noqa: S608

SNAPSHOTS = "SELECT z.era, z.number, z.snapshot FROM ledger_seal z WHERE z.tenant = %(tenant)s ORDER BY z.number"

SEALED_TENANTS = f"""
    SELECT DISTINCT z.tenant FROM ledger_seal z WHERE z.tenant IS NOT NULL AND {at_home("z.tenant")} ORDER BY z.tenant
"""  # noqa: S608

# The next seals of the tenants that live here, without ids, leaves and state. Arguments: tenant and number of the last
# one that was read, and how many.
SEALS = f"""
    SELECT z.id, z.tenant, z.number, z.era, z.place, z.snapshot, z.size, z.total, z.root, z.key, z.head, z.signature,
           z.cosignature, z.salt, z.tables, z.counts
    FROM ledger_seal z
    WHERE (z.tenant, z.number) > (%(tenant)s, %(number)s) AND {at_home("z.tenant")}
    ORDER BY z.tenant, z.number LIMIT %(size)s
"""  # noqa: S608

# Some rows of some seals: their ids and leaves; or the state, and the leaves from the first place on. Arguments: lists
# of seals, of first places (from 0), of how many, and of whether it is the state.
STRETCHES = """
    SELECT CASE WHEN NOT s.is_state THEN z.ids[s.first + 1 : s.first + s.count] END AS ids,
           CASE WHEN s.is_state THEN substr(z.leaves, (s.first * 32 + 1)::integer)
                ELSE substr(z.leaves, (s.first * 32 + 1)::integer, (s.count * 32)::integer) END AS leaves,
           CASE WHEN s.is_state THEN z.state END AS state
    FROM unnest(%(seals)s::bigint[], %(firsts)s::bigint[], %(counts)s::bigint[], %(states)s::boolean[])
        WITH ORDINALITY AS s (seal, first, count, is_state, place)
    LEFT JOIN ledger_seal z ON z.id = s.seal
    ORDER BY s.place
"""

LINES = """
    SELECT l.id, l.line, l.personal FROM ledger_lines_v1() l
    WHERE l.source = %(source)s AND l.id = ANY (%(ids)s::bigint[])
"""

# Chains of seals, by their last seals: lists of tenants (null: the database), numbers, eras and snapshots.
_CHAINS = """unnest(%(tenants)s::text[], %(numbers)s::integer[], %(eras)s::integer[], %(snapshots)s::pg_snapshot[])
         AS c (tenant, number, era, since)"""
_OF_CHAIN = f"l.tenant = c.tenant AND l.tenant = ANY (%(tenants)s) AND l.source NOT IN {_NO_EVENT_OF_TENANTS}"
_IN_NO_SEAL_OF_CHAIN = """NOT EXISTS (
        SELECT FROM ledger_sealed_rows(%(tenants)s::text[]) z
        WHERE z.source = l.source AND z.id = l.id AND z.tenant IS NOT DISTINCT FROM c.tenant {which})"""

# Rows that no seal covers, though the last seal saw them, or though they have a wrong era or a transaction id that does
# not exist yet. The next seal of the database covers the seals that a moved tenant brought.
_UNSEALED = f"""
    SELECT c.tenant, l.source, l.id FROM {_CHAINS} JOIN ledger_lines_v1() l ON {{of_chain}}
    WHERE (l.era > (SELECT ledger_era()) OR l.transaction_id < 1
           OR l.era = (SELECT ledger_era())
               AND l.transaction_id >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
           OR l.era < c.era
           OR (l.era = c.era AND pg_visible_in_snapshot(l.transaction_id::text::xid8, c.since)))
      AND {_IN_NO_SEAL_OF_CHAIN.format(which="")}
    ORDER BY 1, 2, 3
"""  # noqa: S608
UNSEALED = _UNSEALED.format(of_chain=_OF_CHAIN)
UNSEALED_OF_DATABASE = _UNSEALED.format(
    of_chain=f"{_OF_DATABASE} AND NOT {_BROUGHT.replace('%(since)s::pg_snapshot', 'c.since')}"
)

TWICE = """
    SELECT z.tenant, z.source, z.id, min(z.number) AS first, max(z.number) AS second
    FROM ledger_sealed_rows(%(tenants)s::text[]) z
    GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY 1, 2, 3
"""

STATE_NOW = """
    SELECT l.tenant, l.source, l.id, l.line FROM ledger_lines_v1() l
    WHERE l.tenant = ANY (%(tenants)s) AND l.source IN ('ledger_period', 'ledger_series')
"""

# The changes of settings in rows that no seal up to the last one covers.
NEW_CHANGES = f"""
    SELECT l.tenant, l.source, l.line FROM {_CHAINS} JOIN ledger_lines_v1() l ON {_OF_CHAIN}
    WHERE l.source IN ('ledger_periodchanged', 'ledger_serieschanged')
      AND {_IN_NO_SEAL_OF_CHAIN.format(which="AND z.number <= c.number")}
"""  # noqa: S608

# Where a row is sealed. Arguments: tenant, source, id.
WHERE_SEALED = """
    SELECT z.number, z.place FROM ledger_sealed_rows(ARRAY[%(tenant)s]::text[]) z
    WHERE z.source = %(source)s AND z.id = %(id)s
    ORDER BY z.number LIMIT 1
"""
