"""Of a project with a schema for each tenant; a copy of it is run by ``test_tenants.py``."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
execute_from_command_line(sys.argv)
