"""One view: the checkout."""

from datetime import date
from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from ledger import issue
from orders.models import Order


def checkout(request: HttpRequest, series: str, day: str) -> HttpResponse:
    with transaction.atomic():
        order = Order.objects.create(reference=request.GET.get("reference") or uuid4().hex)
        entry = issue(series, document=f"order:{order.reference}", on=date.fromisoformat(day))
        if "fail" in request.GET:
            transaction.set_rollback(True)
            return HttpResponse("failed")
    return HttpResponse(str(entry))


urlpatterns = [path("checkout/<series>/<day>/", checkout)]
