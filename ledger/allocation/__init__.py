"""How a series takes its next value: one file for each allocation, all of one shape.

Each module has ``take(connection, request)`` for one number and ``take_many(connection, request, documents)`` for a
block. Both answer in one round trip with what the database decided; opening periods and explaining refusals is the
business of ``ledger.issuing``.
"""
