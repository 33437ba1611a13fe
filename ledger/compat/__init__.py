"""Drop-in replacements for other packages' APIs, one file for each. Nothing else in Folio depends on them.

``ledger_migrate_from`` takes over their tables (``ledger.compat.moving``). The packages that end in ``_shim`` are apps:
list one in INSTALLED_APPS, and imports of the old package by its old name keep working.
"""
