"""django-plans, as its own suite requires it; with Folio, numbered by ledger.compat.django_plans."""

import sys

from tests.hosts import offline
from tests.hosts.common import *  # noqa: F403
from tests.hosts.common import DJANGO, WITH_FOLIO, databases

sys.modules["internet_sabotage"] = offline
DATABASES = databases()
INSTALLED_APPS = [*DJANGO, "ordered_model", "sequences", "plans"]
if WITH_FOLIO:
    INSTALLED_APPS += ["ledger", "ledger.compat.django_plans"]
    LEDGER_COMPAT = {
        "PLANS": {
            "CREDIT_NOTE": {"series": "credit-note", "template": "{counter}/KOR/{month}/{year}", "calendar": "month"}
        }
    }
ROOT_URLCONF = "tests.hosts.plans_urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
EMAIL_FROM = "shop@example.com"
DEFAULT_FROM_EMAIL = EMAIL_FROM
PLANS_CURRENCY = "EUR"
PLANS_TAX = 23.0
PLANS_TAX_COUNTRY = "PL"
PLANS_TAXATION_POLICY = "plans.taxation.eu.EUTaxationPolicy"
PLANS_VALIDATORS: dict[str, str] = {}
PLANS_INVOICE_ISSUER = {
    "issuer_name": "A shop",
    "issuer_street": "Street 1",
    "issuer_zipcode": "00-000",
    "issuer_city": "City",
    "issuer_country": "PL",
    "issuer_tax_number": "1222233334444555",
}
