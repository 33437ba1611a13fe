"""How long to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Rounds for each contestant, seconds of each, and how much is filled in before; the defaults are `make bench`."""

    rounds: int = 11
    seconds: float = 1.0

    #: Numbers in one block of ``issue_many``, and how often.
    block: int = 100_000
    block_rounds: int = 5

    #: Checkouts that wait for a payment: a round must last many payments, and many turns at a locked counter.
    payment_rounds: int = 5
    payment_seconds: float = 2.0
    crowd_rounds: int = 3
    crowd_seconds: float = 3.0

    #: Rounds over 200 tenants, for each number of connections.
    tenant_rounds: int = 3

    #: Slots that are used while an old snapshot is open.
    slots: int = 200_000

    #: Entries of the full ledger, those that come later, and how often both are scanned.
    rows: int = 10_000_000
    new_rows: int = 1_000
    scans: int = 3

    #: Numbers on both sides of a reconciliation, those that come later, and how often both are compared.
    reconciled: int = 1_000_000
    changed: int = 1_000
    comparisons: int = 5

    #: Tenants, with three series each, that the sweeps look after.
    sweep_tenants: int = 10_000

    #: Entries that are sealed at once, and those that come later.
    sealed: int = 300_000
    sealed_next: int = 10_000


FULL = Effort()

#: A glance, too short to judge by.
QUICK = Effort(
    rounds=3,
    seconds=0.3,
    block=10_000,
    block_rounds=3,
    payment_rounds=1,
    payment_seconds=1.0,
    crowd_rounds=1,
    crowd_seconds=1.0,
    tenant_rounds=1,
    slots=10_000,
    rows=100_000,
    new_rows=100,
    scans=2,
    reconciled=20_000,
    changed=100,
    comparisons=2,
    sweep_tenants=500,
    sealed=20_000,
    sealed_next=1_000,
)
