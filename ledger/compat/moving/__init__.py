"""Takes over the counters and numbers of other systems, even while their code still gives out numbers.

Locks are taken in the order of the old code: first the old table, which waits for checkouts that hold one of its
numbers, and makes the next ones wait; then what they wrote; then the ledger. One transaction moves all or nothing.
"""
