"""Seals: hashes of the ledger's events, chained and signed, so that whoever kept a seal notices any change.

Sealing is not on the hot path: a sweep reads the rows that are new since the last seal of a tenant, and writes one row.
``sealing`` makes seals and begins eras on other servers, ``ledger.verification.seals`` compares seals with the rows,
``exporting`` writes files that people outside check with ``folio_verify.py``, ``anchoring`` asks for time stamps. The
guide says what a seal proves: "unchanged since seal n", never "true". It proves nothing of rows after the last seal.
"""
