"""Words and quantities for pages, report and commands, in the reader's language; the docs' glossary defines them."""

import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any

from django.utils.dateformat import format as date_text
from django.utils.formats import get_format, number_format
from django.utils.functional import lazy
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy, ngettext, override

from ledger.timestamps import aware

#: Django's ``gettext_lazy``, of the type that its texts have where they are shown.
lazily: Callable[[str], str] = gettext_lazy  # type: ignore[assignment]


def to_translate(text: str) -> str:
    """The text, marked for translation where it is shown. (Django's own ``gettext_noop`` needs settings.)"""
    return text


def all_to_translate(*texts: str) -> tuple[str, ...]:
    """Several texts, each marked like the text of ``to_translate``."""
    return texts


def quantity(count: float) -> str:
    """A quantity as the reader's language groups it: ``1,234``."""
    return number_format(count, use_l10n=True, force_grouping=True)


def day_form() -> str:
    """The short form of dates in the reader's language, for Django: ``d.m.Y``, ``d/m/Y``.

    It is ``Y-m-d`` where that form has the month first, which half of the world reads as another day.
    """
    form = str(get_format("SHORT_DATE_FORMAT"))
    return "Y-m-d" if form == "m/d/Y" else form


def day_told(day: Any) -> str:
    """A date in the short form of the reader's language."""
    # A day of the database that Python can't hold is a Beyond, and no date.
    return date_text(day, day_form()) if isinstance(day, date) else day.isoformat()


def moment_told(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """A time to the second and with its offset, in ``zone`` or in the reader's; empty for None."""
    if moment is None:
        return ""
    local: Any = localtime(aware(moment), zone)
    text = local.isoformat(sep=" ", timespec="seconds")
    return f"{day_told(local.date())}{text[10:]}" if isinstance(local, datetime) else text


#: A text in each reader's own language: ``lazy_text(function)`` calls the function when the text is shown.
lazy_text: Any = lazy(lambda tell: tell(), str)


_SPAN = re.compile(r"(\d{4}-\d\d-\d\d) (?:to (\d{4}-\d\d-\d\d)|onwards)")


def period_told(label: str) -> str:
    """A period's label for a reader: ``01.01.2026 bis 31.12.2026``."""
    told, _, ordinal = label.partition(", range ")
    if found := _SPAN.fullmatch(told):
        first, last = (day and day_told(date.fromisoformat(day)) for day in found.groups())
        told = span_told(first, last) if last else gettext("%(first)s onwards") % {"first": first}
    else:
        told = word(told)
    return gettext("%(span)s, range %(n)s") % {"span": told, "n": ordinal} if ordinal else told


#: Words that the database writes: why a value is missing, and the state of a document in the books; names in the
#: evidence of a gap and in the settings of a series; how far a source of a rule can be trusted; how a check ended.
_WRITTEN = (
    *all_to_translate("for ever", "not committed", "given back, and not for a later document", "given back", "lost"),
    *all_to_translate("adopted", "withdrawn", "skipped", "period closed", "allocation changed", "number taken"),
    *all_to_translate("posted", "draft", "void", "deleted", "serial", "at_commit", "reserved", "pooled", "remote"),
    *all_to_translate("cause", "reservation", "document", "asked for", "asked by", "at", "said", "source", "total"),
    *all_to_translate("currency", "customer", "actor", "yes", "no", "statute", "secondary", "unverified"),
    *all_to_translate("passed", "warned", "failed"),
)


def in_english() -> override:
    """A block in which all texts are in English: for programs, and for what is stored."""
    return override("en")


def translated(message: str, **values: Any) -> Any:
    """A marked text with values, shown in each reader's own language: whole numbers grouped, dates in its form."""
    return lazy_text(lambda: gettext(message) % {name: _shown(value) for name, value in values.items()})


def _shown(value: Any) -> Any:
    if isinstance(value, int):
        return quantity(value)
    return day_told(value) if isinstance(value, date) else value


def word(cell: Any) -> Any:
    """One of Folio's own words that rows contain, such as ``missing``, for a reader; anything else as it is."""
    return gettext(cell) if cell and isinstance(cell, str) else cell


def span_told(first: Any, last: Any) -> str:
    """``7 to 12``, both inclusive."""
    return gettext("%(first)s to %(last)s") % {"first": first, "last": last}


def numbers_told(*, valid: int, void: int, missing: int, to_explain: int = 0, in_progress: int = 0) -> str:
    """``113 numbers: 93 valid, 2 void, 18 missing (18 to explain).``

    ``valid`` numbers have a document and are not void; ``missing`` ones have none and never will, or are lost, and
    nobody has explained ``to_explain`` of them; ``in_progress`` ones are reserved or free, and may still get one.
    """
    count = valid + void + missing + in_progress
    if not count:
        return gettext("No numbers yet.")
    parts = [
        ngettext("%s valid", "%s valid", valid) % quantity(valid),
        ngettext("%s void", "%s void", void) % quantity(void),
        ngettext("%s missing", "%s missing", missing) % quantity(missing),
    ]
    if to_explain:
        parts[-1] += f" ({gettext('%s to explain') % quantity(to_explain)})"
    if in_progress:
        parts.append(gettext("%s in progress") % quantity(in_progress))
    numbers = ngettext("%(count)s number: %(parts)s.", "%(count)s numbers: %(parts)s.", count)
    return numbers % {"count": quantity(count), "parts": ", ".join(parts)}
