"""Which home a page is about: that of ``?home=`` or ``?tenant=``, else the one that was looked at last (a cookie)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from ledger import homes
from ledger.errors import InvalidTenant

COOKIE = "ledger_home"


def at_home(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, with Folio's models led to the home that the request is about."""

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not homes.are_many():
            return view(request, *args, **kwargs)
        home = _asked(request)
        with homes.entered(home):
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
        response.set_cookie(COOKIE, home, secure=request.is_secure(), httponly=True, samesite="Lax")
        return response

    return inside


def _asked(request: HttpRequest) -> str:
    every = homes.homes()
    query = request.GET.copy()
    named = query.pop("home", [])
    if named:
        if named[-1] not in every:
            raise Http404
        request.GET = query  # type: ignore[assignment]  # Django's admin refuses a filter that it doesn't know
        return named[-1]
    if "tenant" in query:
        try:
            return homes.database_for(query["tenant"], None, reads=True) or every[0]
        except InvalidTenant as error:
            raise Http404 from error
    last = request.COOKIES.get(COOKIE)
    return last if last in every else every[0]
