"""The wrappers of every view. They refuse unreadable requests, choose the home, and set headers.

PostgreSQL can't store NUL or a lone surrogate, so no row can match a request with one. All pages and the admin refuse
it with 400 before they query anything. The home is that of ``?home=`` or ``?tenant=``, else the last one (a cookie).
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.templatetags.static import static

from ledger import homes
from ledger.errors import InvalidTenant
from ledger.texts import can_be_held

_View = Callable[..., HttpResponseBase]

COOKIE = "ledger_home"


def at_home(view: _View) -> _View:
    """The view, with Folio's models routed to the request's home."""

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


def is_readable(request: HttpRequest, *of_the_path: object) -> bool:
    """Whether PostgreSQL can store all texts of a request: its query, its form, and the parts of its path."""
    try:
        return all(can_be_held(text) for text in _texts(request, of_the_path))
    except (LookupError, UnicodeError):
        return False  # its Content-Type names an unknown charset, or not that of its bytes


def readable(view: _View) -> _View:
    """The view, called only for readable requests."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_readable(request, *args, *kwargs.values()):
            return HttpResponseBadRequest(
                "The request has characters that can't be stored, such as NUL.\n", "text/plain"
            )
        return view(request, *args, **kwargs)

    return checked


def _texts(request: HttpRequest, of_the_path: tuple[object, ...]) -> Iterator[str]:
    yield from (part for part in of_the_path if isinstance(part, str))
    for data in (request.GET, request.POST):
        for key, values in data.lists():
            yield key
            yield from values


def policy() -> str:
    """The Content-Security-Policy: nothing but our own stylesheet, from where the project serves its static files."""
    address = urlsplit(static("ledger/pages.css"))
    styles = f"{address.scheme}://{address.netloc}" if address.scheme and address.netloc else "'self'"
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def secured(view: _View) -> _View:
    """The view, with these headers on every response."""

    @wraps(view)
    def answered(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response["Content-Security-Policy"] = policy()
        response["X-Content-Type-Options"] = "nosniff"
        response["X-Frame-Options"] = "DENY"
        response["Referrer-Policy"] = "same-origin"
        response["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    return answered
