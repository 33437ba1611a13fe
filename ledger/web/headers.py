"""The headers that every page of Folio's sends, so that a host project needs no middleware of ours."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http.response import HttpResponseBase
from django.templatetags.static import static


def policy() -> str:
    """The Content-Security-Policy: nothing but our own stylesheet, from where the project serves its static files."""
    address = urlsplit(static("ledger/pages.css"))
    styles = f"{address.scheme}://{address.netloc}" if address.scheme and address.netloc else "'self'"
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def secured(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, with these headers on whatever it answers."""

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
