"""The stand-alone site for a WSGI server: `gunicorn ledger.site.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")
application = get_wsgi_application()
