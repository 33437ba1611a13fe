"""Lorikeet 0.2.2 on Django 5.2, with the help that the guide shows; with Folio, its invoice IDs are the ledger's."""

import django.conf.urls
import django.dispatch
from django.urls import re_path

# What Lorikeet imports and this Django no longer has; it stands in the guide as well.
django.conf.urls.url = re_path  # type: ignore[attr-defined]
_signal = django.dispatch.Signal.__init__
django.dispatch.Signal.__init__ = lambda self, providing_args=None, use_caching=False: _signal(  # type: ignore[method-assign, misc]
    self, use_caching
)

from tests.hosts.common import *  # noqa: E402, F403
from tests.hosts.common import DJANGO, MIDDLEWARE, WITH_FOLIO, databases  # noqa: E402

DATABASES = databases()
INSTALLED_APPS = [*DJANGO, "tests.hosts.lorikeet_shop", "lorikeet"]
MIDDLEWARE = [*MIDDLEWARE, "lorikeet.middleware.CartMiddleware"]
ROOT_URLCONF = "tests.hosts.lorikeet_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TIME_ZONE = "UTC"
if WITH_FOLIO:
    INSTALLED_APPS += ["ledger", "workers"]
    LORIKEET_INVOICE_ID_GENERATOR = "ledger.compat.lorikeet.invoice_id"
    LORIKEET_CART_COMPLETE_CHECKERS = [
        "lorikeet.cart_checkers.delivery_address_required",
        "lorikeet.cart_checkers.payment_method_required",
        "lorikeet.cart_checkers.cart_not_empty",
        "lorikeet.cart_checkers.email_address_if_anonymous",
        "ledger.compat.lorikeet.invoice_id_available",
    ]
    LEDGER = {"DEFAULT_SERIES": {"invoice": {"template": "INV-{year}-{counter:06}", "allocation": "pooled"}}}
