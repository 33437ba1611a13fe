"""Takes over the counters and numbers of other systems, even while their code still gives out numbers.

Locks are taken in the order of their code: first the old table, which waits for checkouts that hold a number of it and
makes the next ones wait; then what they wrote; then the ledger. One transaction takes over everything or nothing.
"""
