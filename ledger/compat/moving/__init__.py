"""Taking over the counters and numbers of other systems, also while their code still gives out numbers.

The order is that of their code: first the old table, locked so that checkouts that hold a number of it are waited for
and the next ones wait; then what they wrote; then the ledger. One transaction takes over everything, or nothing.
"""
