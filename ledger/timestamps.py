"""Moments as Django reads them: aware, or naive if the host project has ``USE_TZ = False``."""

from datetime import datetime, tzinfo
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.timezone import get_default_timezone, is_naive, localtime, make_aware


def aware(moment: datetime) -> datetime:
    """``moment`` with its time zone: without ``USE_TZ``, Django reads all moments in ``TIME_ZONE``, and naive."""
    return make_aware(moment, get_default_timezone()) if is_naive(moment) else moment


def timestamp(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """A time for people, to the second and with its offset, in ``zone`` or in the reader's; empty for None.

    Everything that shows a time uses it, since a time without its zone is ambiguous.
    """
    if moment is None:
        return ""
    return localtime(aware(moment), zone).isoformat(sep=" ", timespec="seconds")


class MomentEncoder(DjangoJSONEncoder):
    """JSON whose moments always name their offset, since programs elsewhere can't guess it."""

    def default(self, o: Any) -> Any:
        return super().default(aware(o) if isinstance(o, datetime) else o)
