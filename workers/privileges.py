"""What a role needs on the workers' own tables: nothing where it checks out, and the least where it runs the workers.

Sealed tokens above all are nobody's business but the workers'.
"""

from ledger.grants import TableGrant
from workers.models import Push, PushPosition, Quota, SealedToken


def table_grants() -> list[TableGrant]:
    """The tables of this app, for ``ledger_grants --purpose workers``."""
    return [
        TableGrant("Tokens are renewed under their row's lock", SealedToken, ("sealed", "issued_at", "expires_at")),
        TableGrant(
            "Limits are counted for all workers together",
            Quota,
            ("room", "counted_at", "day", "used_today", "tickets", "paused_until"),
        ),
        TableGrant(
            "Numbers are pushed, and what became of them is noted",
            Push,
            (
                "void_id",
                "state",
                "claimed_by",
                "claimed_until",
                "attempts",
                "last_error",
                "next_attempt_at",
                "remote_id",
                "facts",
                "pushed_at",
                "cancelled_at",
            ),
        ),
        TableGrant(
            "How far the ledger was looked through is noted",
            PushPosition,
            ("tenant", "through", "scope", "looked_in_full_at", "ran_at", "error"),
        ),
    ]
