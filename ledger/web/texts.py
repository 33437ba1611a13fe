"""Requests whose texts PostgreSQL can't hold: NUL, or half a character. One place for all pages and for the admin.

Such a text names nothing that there is, so the whole request is refused with 400, before anything is looked up.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase

from ledger.texts import can_be_held


def is_readable(request: HttpRequest, *of_the_path: object) -> bool:
    """Whether all texts of a request could stand in a database: its query, its form, and the parts of its path."""
    try:
        return all(can_be_held(text) for text in _texts(request, of_the_path))
    except (LookupError, UnicodeError):
        return False  # its Content-Type names an unknown charset, or not that of its bytes


def readable(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view, which is not asked where the request is not readable."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_readable(request, *args, *kwargs.values()):
            return HttpResponseBadRequest("The request holds characters that no text can have.\n", "text/plain")
        return view(request, *args, **kwargs)

    return checked


def _texts(request: HttpRequest, of_the_path: tuple[object, ...]) -> Iterator[str]:
    yield from (part for part in of_the_path if isinstance(part, str))
    for data in (request.GET, request.POST):
        for key, values in data.lists():
            yield key
            yield from values
