"""A real django-oscar, in an environment of its own: checkouts with the ledger's order numbers."""
