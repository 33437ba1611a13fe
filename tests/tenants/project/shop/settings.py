"""django-tenants' own set-up; the apps come from the guide, appended by the test."""

import os

from psycopg.conninfo import conninfo_to_dict

_given = conninfo_to_dict(os.environ["DATABASE_URL"])
SECRET_KEY = "for tests"
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": _given["dbname"],
        "HOST": _given.get("host", ""),
        "PORT": _given.get("port", ""),
        "USER": _given.get("user", ""),
        "PASSWORD": _given.get("password", ""),
        "OPTIONS": {"options": _given.get("options", "")},
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "customers.Customer"
TENANT_DOMAIN_MODEL = "customers.Domain"
TENANT_LIMIT_SET_CALLS = os.environ.get("LIMIT_SET_CALLS") == "1"
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
ROOT_URLCONF = "orders.urls"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
