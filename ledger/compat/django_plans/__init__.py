"""An app that numbers the invoices of django-plans by series of the ledger; list it in INSTALLED_APPS.

Each type has a series, by default ``plans-invoice`` and ``plans-proforma``, with django-plans' own format and counting.
``LEDGER_COMPAT["PLANS"]`` names others, and must do so for credit notes. The ledger keeps the invoice's number; the
invoice is the document. ``PLANS_INVOICE_NUMBER_FORMAT`` is ignored.
"""
