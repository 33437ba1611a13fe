"""The stand-alone site for a WSGI server: `gunicorn ledger.site.wsgi`."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")
# Each process of the server would sign with its own key, and sessions would come and go at random.
if getattr(settings, "SIGNS_NOTHING", False):
    raise ImproperlyConfigured(
        "SIGNS_NOTHING is set, but the site signs sessions and forms. It is for workers, beat and migrations. "
        "Unset it here, and set SECRET_KEY."
    )
application = get_wsgi_application()
