"""The statements of the hot path and of what people do; the functions they call stand in ``functions/NAME.sql``."""


def at_home(tenant: str) -> str:
    """The condition that a tenant lives here: it neither leaves nor arrives nor has left."""
    return f"NOT EXISTS (SELECT FROM ledger_tenantmove m WHERE m.tenant = {tenant} AND m.state <> 'arrived')"


# The hot path: one round trip for one number. Arguments: tenant, series, on, at, document, actor, metadata as JSON
# text, and the id of the void entry that it replaces, or null. Without casts, since each is one more thing to parse:
# there is one function of that name.
ISSUE_SERIAL = "SELECT ledger_issue_serial(%s, %s, %s, %s, %s, %s, %s, %s)"

# A contiguous block in one statement. Arguments as above, with a list of documents, null for metadata that were not
# stated, and whether the date was.
ISSUE_SERIAL_MANY = (
    "SELECT * FROM ledger_issue_serial_many(%s, %s, %s::date, %s::timestamptz, %s::text[], %s, %s::jsonb, %s)"
)

# As the two above, of the lowest free slots, for `pooled` and for `remote`. The allocation, and then the same
# arguments.
ISSUE_SLOT = "SELECT ledger_issue_slot(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
ISSUE_SLOTS = "SELECT * FROM ledger_issue_slots(%s, %s, %s, %s::date, %s::timestamptz, %s::text[], %s, %s::jsonb, %s)"

# Makes slots, in a transaction of its own. Arguments: tenant, period, where the counter was seen, how many at least.
MINT = "SELECT ledger_mint(%s, %s, %s, %s)"

# The same in the checkout's own transaction, with that transaction's id.
MINT_HERE = "SELECT ledger_mint(%s, %s, %s, %s), pg_current_xact_id()::text"
THIS_TRANSACTION = "SELECT pg_current_xact_id_if_assigned()::text"

# The lowest slot that is there to be taken, be it held by a checkout or not. Arguments: tenant, period, give_back.
LOWEST_SLOT = """
    SELECT min(w.value) FROM ledger_slot w
    WHERE w.tenant = %(tenant)s AND w.period_id = %(period)s
      AND (%(give_back)s OR w.value > coalesce((
          SELECT max(e.value) FROM ledger_entry e WHERE e.tenant = %(tenant)s AND e.period_id = %(period)s
      ), -1))
"""

# What decides which tables a connection sees (Session in ledger.allocation.second_connection). The second statement is
# for a connection whose search_path need not lead to a ledger. Text that no setting of the session changes.
_SESSION = (
    "extract(epoch FROM pg_postmaster_start_time())::text, current_database()::text, session_user::text,"
    " current_user::text"
)
SESSION = (
    f"SELECT ARRAY[{_SESSION},"
    " quote_ident((pg_identify_object_as_address('pg_class'::regclass, 'ledger_entry'::regclass, 0)).object_names[1])]"
)
# With whether the server may run statements on other nodes.
OWN_SESSION = f"SELECT ARRAY[{_SESSION}], EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus')"  # noqa: S608  (our own text)

# Where a number will come from. Arguments: tenant, series, on, at, document, allocation, what it replaces.
LOOK = "SELECT ledger_look(%s, %s, %s, %s, %s, %s, %s)"

# The same, with the role, which the function can't see: with its answer that is the Session.
LOOK_AND_ROLE = f"{LOOK}, current_user::text"

# Which of a block's documents need a number. Arguments: tenant, series id, period, documents, whether the date was
# stated, metadata or null.
FRESH = "SELECT * FROM ledger_fresh(%s, %s, %s, %s::text[], %s, %s::jsonb)"

# Reservations, in a transaction of their own. Arguments: tenant, period, date, documents, actor, the transaction of the
# checkout, and what it replaces. With all arguments, since PostgreSQL would have to read the defaults of the others.
RESERVE = "SELECT * FROM ledger_reserve(%s, %s, %s, %s::text[], %s, %s, %s, NULL, NULL)"

# The same for several checkouts together, with the actor and the transaction of each.
RESERVE_TOGETHER = "SELECT * FROM ledger_reserve(%s, %s, %s, %s::text[], '', 0, NULL, %s::text[], %s::bigint[])"

# Reservations become entries. Arguments: tenant, series id, period, date, reservations, documents, actor, metadata,
# what it replaces.
ISSUE_RESERVED = "SELECT * FROM ledger_issue_reserved(%s, %s, %s, %s, %s::bigint[], %s::text[], %s, %s::jsonb, %s)"

# A ticket to be numbered while COMMIT runs. Arguments: tenant, series, on, at, documents, actor, metadata or null,
# whether the date was stated, what the notice at COMMIT repeats, what it replaces.
LEAVE_TICKETS = "SELECT ledger_leave_ticket(%s, %s, %s, %s, %s::text[], %s, %s, %s, %s, %s)"

# The same for one document, spared the writing of a list.
LEAVE_TICKET = LEAVE_TICKETS.replace("%s::text[]", "ARRAY[%s]")

# The entries of a promise. Arguments: their ids, tenant, series id, documents.
PROMISED = """
    SELECT * FROM ledger_entry
    WHERE id = ANY (%s) OR tenant = %s AND series_id = %s AND document = ANY (%s) AND document > ''
"""

# Numbers a ticket before COMMIT. Argument: ticket.
NUMBER_TICKET = "SELECT ledger_number_ticket(%s)"

# In place of COMMIT, of a series that releases early, in one message: COMMIT gives up its locks without waiting for the
# disk, and a second transaction then waits at the caller's own synchronous_commit. WAL is flushed in order, so what
# covers its message covers the first one too. A client that dies after sending can't skip the wait. Only in the
# transaction that took the number (its id is the parameter): another one commits as it would without.
RELEASE_EARLY = """
SELECT set_config('folio.level', current_setting('synchronous_commit'), false),
       set_config('synchronous_commit', CASE WHEN pg_current_xact_id_if_assigned()::text = '%d' THEN 'off'
                                             ELSE current_setting('synchronous_commit') END, true);
COMMIT;
SELECT set_config('synchronous_commit', current_setting('folio.level'), true),
       pg_logical_emit_message(true, 'folio', '')
"""

# The same around one statement that is a transaction of its own.
BEGIN_EARLY = """
BEGIN;
SELECT set_config('folio.level', current_setting('synchronous_commit'), false),
       set_config('synchronous_commit', 'off', true);
"""
END_EARLY = "; COMMIT;" + RELEASE_EARLY.partition("COMMIT;")[2]

# Has COMMIT wait until all that this transaction has seen is durable, though it wrote nothing else. Nothing to wait for
# on a standby, which is sent what is durable alone.
FLUSH = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_logical_emit_message(true, 'folio', '') END"

# A setting of this transaction: its name, and its value as text.
SET = "SELECT set_config(%s, %s, true)"

# How long this transaction waits for a lock, as text with its unit.
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"

# READ COMMITTED or not. Under the others a transaction doesn't see what was committed since it began.
SEES_NEW_ROWS = "SELECT current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')"

# What people do: docs/reference/functions.md has the arguments of each.
ADD_REFERENCES = "SELECT ledger_add_references(%s, %s::bigint[], %s, %s::text[], %s::text[], %s)"
AUTHORISE = "SELECT ledger_authorise(%s, %s, %s, %s::bigint, %s::bigint, %s::date, %s::date, %s, %s, %s, %s, %s, %s)"
VOID = "SELECT ledger_void(%s, %s, %s, %s, %s)"
EXPLAIN = "SELECT ledger_explain(%s, %s::bigint[], %s::bigint[], %s, %s)"
DECLARE = "SELECT ledger_declare(%s, %s::bigint[], %s::bigint[], %s::bigint[], %s, %s, %s, %s)"
ACKNOWLEDGE = "SELECT ledger_acknowledge(%s, %s::bigint[], %s, %s)"
SKIP_TAKEN = "SELECT ledger_skip_taken(%s, %s, %s, %s)"
DEFINE_SERIES = "SELECT ledger_define_series(%s, %s, %s::jsonb, %s, %s::date)"
CHANGE_ALLOCATION = "SELECT ledger_change_allocation(%s, %s, %s::jsonb, %s)"
DEFINE_DEFAULT = "SELECT ledger_define_default(%s, %s::jsonb)"
MAKE_DEFAULT = "SELECT ledger_make_default(%s, %s, %s, %s)"
OPEN_PERIOD = "SELECT ledger_open_period(%s, %s, %s)"
OPEN_EXPLICIT = "SELECT ledger_open_explicit(%s, %s, %s, %s, %s, %s, %s::text)"
CLOSE_PERIOD = "SELECT ledger_close_period(%s, %s, %s, %s)"
CLOSE_DUE = "SELECT ledger_close_due(%s, %s, %s)"
HOLD = "SELECT ledger_hold(%s, %s, %s)"

# The period that could give out a number of another one. Arguments: tenant, prefix, width, suffix, first and highest
# value, and the id of a period that is left aside, or null.
COLLIDING_PERIOD = "SELECT ledger_colliding_period(%s, %s, %s, %s, %s, %s, %s::bigint, NULL::bigint)"

# The series that could give out a number of a series with these settings. Arguments: tenant, code, template, calendar,
# fiscal start, time zone, start value, length limit with the rules, highest value by the rules.
COLLIDING_SERIES = "SELECT ledger_colliding_series(%s, %s, %s, %s, %s, %s, %s::bigint, %s::integer, %s::bigint)"
