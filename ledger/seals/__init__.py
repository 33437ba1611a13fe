"""Seals: hashes of the ledger's events, chained and signed, so that a change by anybody shows to who kept a seal.

Sealing stands beside the hot path: a sweep reads the rows that are new since the last seal of a tenant, and writes one
row. ``sealing`` makes seals and begins anew on another server, ``ledger.verification.seals`` compares them with the
rows, ``exporting`` writes what people outside check with ``folio_verify.py``, ``anchoring`` tells the outside. The
guide says what a seal proves: "unchanged since seal n", never "true"; what came after the last seal is open.
"""
