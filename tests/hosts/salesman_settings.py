"""django-salesman, whose orders are numbered by ledger.compat.generators.number."""

from tests.hosts.common import *  # noqa: F403
from tests.hosts.common import DJANGO, databases

DATABASES = databases()
INSTALLED_APPS = [*DJANGO, "rest_framework", "salesman.core", "salesman.basket", "salesman.orders", "ledger"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TIME_ZONE = "UTC"
SALESMAN_ORDER_REFERENCE_GENERATOR = "ledger.compat.generators.number"
LEDGER_COMPAT = {
    "GENERATORS": {"salesman": {"series": "sale", "template": "{year}-{counter:05}", "allocation": "pooled"}}
}
