"""The drafts behind ``remote`` series: their pools, and what becomes of each draft. Nothing here talks to the network.

pools.py    which pools exist, which are low, and which worker has claimed one
drafts.py   drafts are stored as slots, withdrawn if they are gone, found for an entry, listed if nobody used them
sql.py      the statements
"""

from ledger.remote.drafts import Unused, draft_of, free_drafts, keep_stray, note_cancelled, store, unused, withdraw
from ledger.remote.pools import (
    Claim,
    Need,
    PoolState,
    claim,
    needs,
    note_look,
    pool_states,
    release,
    remote_series,
    renew,
    systems,
)

__all__ = ["Claim", "Need", "PoolState", "Unused", "claim", "draft_of", "free_drafts", "keep_stray", "needs"]
__all__ += ["note_cancelled", "note_look", "pool_states", "release", "remote_series", "renew", "store", "systems"]
__all__ += ["unused", "withdraw"]
