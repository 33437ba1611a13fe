"""The Celery side of Folio: sweeps over the ledger, each a few lines around one function."""
