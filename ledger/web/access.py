"""Access to tenants, and permissions, in one place. Every page goes through ``page``.

Django's permissions say what a user may do. The permission that a page names, such as ``ledger.view_entry``, opens all
tenants; without it, a user has the tenants that a TenantAccess names. Everything else is answered with 404.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from ledger import homes
from ledger.errors import InvalidActor
from ledger.instances import instance_key
from ledger.models import Series, TenantAccess
from ledger.web.decorators import at_home, is_readable, secured

_M = TypeVar("_M", bound=Model)
_P = ParamSpec("_P")
_Answers = Callable[..., HttpResponseBase]

#: How many tenants a page offers to choose from; any other one can be typed.
MOST_TENANTS = 200


@dataclass(frozen=True, slots=True)
class Access:
    """What one user may see: these ``tenants``; all of them if None."""

    user: Any
    tenants: frozenset[str] | None

    def sees(self, tenant: str) -> bool:
        """Whether the tenant exists for this user."""
        return self.tenants is None or tenant in self.tenants

    def narrow(self, rows: QuerySet[_M]) -> QuerySet[_M]:
        """The rows of a model with a tenant that this user may see."""
        return rows if self.tenants is None else rows.filter(tenant__in=self.tenants)

    def find(self, rows: QuerySet[_M], **wanted: Any) -> _M:
        """The one row; 404 if it doesn't exist, is another tenant's, or the old copy of a tenant that has moved."""
        row: Any = get_object_or_404(self.narrow(rows), **wanted)
        if homes.are_many() and homes.database_for(row.tenant, None, reads=True) != row._state.db:
            raise Http404
        return row  # type: ignore[no-any-return]

    def may(self, permission: str) -> bool:
        """Whether the user has a permission of Folio's, such as ``void_number``."""
        return bool(self.user.has_perm(f"ledger.{permission}"))

    def choices(self) -> list[str]:
        """The tenants to choose from, in order, up to one more than ``MOST_TENANTS``."""
        if self.tenants is not None:
            return sorted(self.tenants)[: MOST_TENANTS + 1]
        known = Series.objects.order_by("tenant").values_list("tenant", flat=True).distinct()
        return list(known[: MOST_TENANTS + 1])

    def chosen_tenant(self, request: HttpRequest) -> str:
        """The tenant that the address names, or the first one; 404 for a tenant that this user may not see."""
        asked = request.GET.get("tenant")
        if asked is None:
            return next(iter(self.choices()), "")
        if not self.sees(asked) or not Series.objects.filter(tenant=asked).exists():
            raise Http404
        return asked


def access_of(user: Any, permission: str) -> Access:
    """What a user may see; ``permission`` is the one of Folio's that opens all tenants."""
    if user.has_perm(f"ledger.{permission}"):
        return Access(user, None)
    try:
        key = instance_key(user, InvalidActor, "user")
    except InvalidActor:
        return Access(user, frozenset())
    return Access(user, frozenset(TenantAccess.objects.filter(user=key).values_list("tenant", flat=True)))


def page(
    sees: str = "view_entry", *, does: str = "", of_all_tenants: bool = False, of_all_homes: bool = False
) -> Callable[[Callable[Concatenate[HttpRequest, Access, _P], HttpResponseBase]], _Answers]:
    """Make a view of ``view(request, access, …)``: login, permissions, CSRF, methods and headers, in this one place.

    ``sees`` names the permission that opens all tenants; ``does``, if named, is needed too. A page that is
    ``of_all_tenants`` shows no single tenant, so access to one tenant doesn't open it.

    Users who are not logged in are redirected to the project's login page. Users without a tenant, or without the
    permission that the page ``does``, get 403. A request with characters that PostgreSQL can't store gets 400.
    Only a page that ``does`` something takes POST.
    ``of_all_homes``: without a tenant and a home in the address, the view asks each home itself, also for access.
    """
    methods = require_http_methods(["GET", "HEAD", "POST"] if does else ["GET", "HEAD"])

    def decorate(view: Callable[Concatenate[HttpRequest, Access, _P], HttpResponseBase]) -> _Answers:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not is_readable(request, *args, *kwargs.values()):
                return _refusal(request, "unreadable", _("Not readable"), 400)
            if of_all_homes and homes.are_many() and not {"tenant", "home"} & set(request.GET):
                return answered(request, Access(user, None if user.has_perm(f"ledger.{sees}") else frozenset()))
            return of_user(request, *args, **kwargs)

        @at_home
        def of_user(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access = access_of(request.user, sees)
            nothing = access.tenants is not None and (of_all_tenants or not access.tenants)
            missing = sees if nothing else does if does and not access.may(does) else ""
            return answered(request, access, *args, missing=missing, **kwargs)

        def answered(
            request: HttpRequest, access: Access, *args: Any, missing: str = "", **kwargs: Any
        ) -> HttpResponseBase:
            try:
                if missing:
                    raise PermissionDenied
                return view(request, access, *args, **kwargs)
            except PermissionDenied:
                lacks = {"permission": missing or sees, "by_tenant": not of_all_tenants}
                return _refusal(request, "forbidden", _("Not allowed"), 403, **lacks)
            except Http404:
                return _refusal(request, "missing", _("Not found"), 404)

        made: Any = secured(never_cache(csrf_protect(methods(guarded))))
        made.does = does
        return made  # type: ignore[no-any-return]

    return decorate


def _refusal(request: HttpRequest, name: str, title: str, status: int, **more: Any) -> TemplateResponse:
    told = {"title": title, "user": request.user, **more}
    return TemplateResponse(request, f"ledger/{name}.html", told, status=status)
