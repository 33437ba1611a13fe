"""The storm: checkouts in worker processes while everything around them fails, and a checker that trusts nothing.

`python -m tests.storm` starts a PostgreSQL of its own (`cluster`), a proxy between it and the workers (`proxy`,
`frames`), and workers that check out and sweep (`checkouts`, `janitor`). A schedule of faults that comes out of the
seed (`faults`) is carried out by `weather`; each worker writes down what it asked for and what it was told (`journal`).
Then the faults stop, and `checker` holds the tables against the journals by the rules of `rules`; those three, and
`watcher`, import nothing of Folio. docs/reliability.md tells the rest.
"""
