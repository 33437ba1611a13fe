"""The Celery side of Folio: sweeps over the ledger, each a few lines that call one function."""
