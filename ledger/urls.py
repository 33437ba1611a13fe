"""Pages to include in a project's own URLs: ``path("ledger/", include("ledger.urls"))``."""

from django.urls import path

from ledger.web.alarms import acknowledge_alarms, alarms
from ledger.web.books import books
from ledger.web.exports import export, package, register_file
from ledger.web.findings import acknowledge_findings, findings
from ledger.web.gaps import explain_gaps, gaps
from ledger.web.health import healthz
from ledger.web.metrics import metrics
from ledger.web.number import find, number, void_number
from ledger.web.overview import overview
from ledger.web.period import period
from ledger.web.ranges import add_range, ranges
from ledger.web.register import register
from ledger.web.series import rules, series
from ledger.web.workers import workers

app_name = "ledger"
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("", overview, name="overview"),
    path("find/", find, name="find"),
    path("series/<int:pk>/", series, name="series"),
    path("series/<int:pk>/rules/", rules, name="rules"),
    path("period/<int:pk>/", period, name="period"),
    path("period/<int:pk>/export/<slug:name>/", export, name="export"),
    path("period/<int:period>/<int:value>/", number, name="number"),
    path("period/<int:period>/<int:value>/void/", void_number, name="void_number"),
    path("register/", register, name="register"),
    path("register/<slug:name>/", register_file, name="register_file"),
    path("package/", package, name="package"),
    path("gaps/", gaps, name="gaps"),
    path("gaps/explain/", explain_gaps, name="explain_gaps"),
    path("alarms/", alarms, name="alarms"),
    path("alarms/acknowledge/", acknowledge_alarms, name="acknowledge_alarms"),
    path("findings/", findings, name="findings"),
    path("findings/acknowledge/", acknowledge_findings, name="acknowledge_findings"),
    path("books/", books, name="books"),
    path("ranges/", ranges, name="ranges"),
    path("ranges/add/", add_range, name="add_range"),
    path("workers/", workers, name="workers"),
]
