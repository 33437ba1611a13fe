"""How Sphinx makes the site from this folder: `make docs`. It doesn't use the network."""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.conf import settings

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from ledger import __version__  # noqa: E402  (the site is built from the code beside it)

# Models can't be imported without settings; these name no real server, and nothing connects to one.
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ledger", "workers"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "nowhere"}},
    USE_TZ=True,
)
django.setup()

project = "Folio"
project_copyright = "Folio contributors, MIT licence"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "extensions.accessible",
    "extensions.commands",
    "extensions.docstrings",
    "extensions.settings_table",
]
exclude_patterns = ["extensions"]
suppress_warnings: list[str] = []
nitpicky = True
# Names of other libraries: the build can't load their sites.
nitpick_ignore_regex = [
    (
        r"py:class",
        r"(ledger\.compat\.number_field\.M|(workers\.accounting\.http_options\.)?HttpOptions)",
    ),  # ours, but private
    (r"py:.*", r"(celery|collections|contextlib|datetime|decimal|django|httpx|kombu|pathlib|psycopg|typing|uuid)\..*"),
    (r"py:.*", r"(Any|BaseDatabaseWrapper|Callable|Iterable|Iterator|Mapping|Sequence|Sized|date|datetime|timedelta)"),
]

# Options keep their two hyphens.
smartquotes = False

# Markdown that reads the same on a forge: headings have the anchors that GitHub gives them.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
toc_object_entries = False

html_theme = "furo"
html_title = f"Folio {__version__}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
