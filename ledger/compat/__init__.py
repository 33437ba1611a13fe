"""Callers of other systems, accepted as they are: one file for each, and nothing else of Folio knows of them.

``ledger_migrate_from`` takes over their tables (``ledger.compat.moving``). The packages that end in ``_shim`` are apps:
who lists one in INSTALLED_APPS goes on importing the old package by its old name.
"""
