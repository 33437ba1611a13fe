"""A tenant's name and tax id, as the host project gives them.

``LEDGER["TENANT_NAME"]`` and ``LEDGER["TENANT_TAX_ID"]`` each name a function that takes the tenant's key and returns a
text, such as ``shop.hooks.company_name``.
"""

import logging

from django.utils.translation import gettext

from ledger.conf import ledger_settings

_log = logging.getLogger(__name__)


def tenant_name(tenant: str, *, unnamed: str = "") -> str:
    """A tenant's name for people; its key if the project gives none, and ``unnamed`` without a key."""
    return _told("tenant_name", tenant) or tenant or unnamed or gettext("(without a name)")


def tenant_tax_id(tenant: str) -> str:
    """The tax id of a tenant; empty if the project gives none."""
    return _told("tenant_tax_id", tenant)


def _told(hook: str, tenant: str) -> str:
    try:
        function = getattr(ledger_settings(), hook)
        return "" if function is None else str(function(tenant) or "")
    except Exception:  # noqa: BLE001  (it is the project's code)
        # The pages must work especially when the rest of the project is in trouble.
        _log.exception("The hook %s failed for tenant %r", hook, tenant)
        return ""
