"""An app that numbers the invoices of django-plans by series of the ledger; list it in INSTALLED_APPS.

Each type has a series, ``plans-invoice`` and ``plans-proforma`` by default, with django-plans' own form and counting;
``LEDGER_COMPAT["PLANS"]`` says otherwise, and has to for credit notes. What the ledger keeps is the invoice's number,
and the invoice is the document. ``PLANS_INVOICE_NUMBER_FORMAT`` is not asked.
"""
