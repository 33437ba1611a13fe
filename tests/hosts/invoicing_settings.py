"""django-invoicing's own settings for its tests; with Folio, numbered by ledger.compat.generators.number."""

from invoicing.tests.test_settings import *  # noqa: F403
from invoicing.tests.test_settings import INSTALLED_APPS

from tests.hosts.common import WITH_FOLIO, databases

DATABASES = databases()
if WITH_FOLIO:
    INSTALLED_APPS = [*INSTALLED_APPS, "ledger"]
    INVOICING_SEQUENCE_GENERATOR = "ledger.compat.generators.number"
    LEDGER_COMPAT = {
        "GENERATORS": {
            "invoicing": {
                "series": "bill",
                "template": "{year}/{counter}",
                "calendar": "year",
                "returns": "value",
                "max_days_ahead": 4000,
            }
        }
    }
