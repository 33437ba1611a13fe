"""What people read of how many numbers there are: one sentence for pages, report and commands (docs: the glossary)."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext


def quantity(count: int) -> str:
    """A quantity as the reader's language groups it: ``1,234``."""
    return number_format(count, use_l10n=True, force_grouping=True)


def numbers_told(*, valid: int, void: int, missing: int, to_explain: int = 0, in_progress: int = 0) -> str:
    """``113 numbers: 93 valid, 2 void, 18 missing (18 to explain).``

    ``valid`` ones bear a document and are not void; ``missing`` ones bear none and never will, or are lost, and
    ``to_explain`` of them nobody has explained; ``in_progress`` ones are reserved or free, and may still get one.
    """
    count = valid + void + missing + in_progress
    if not count:
        return gettext("No numbers yet.")
    parts = [gettext("%s valid") % quantity(valid), gettext("%s void") % quantity(void)]
    absent = gettext("%s missing") % quantity(missing)
    parts.append(f"{absent} ({gettext('%s to explain') % quantity(to_explain)})" if to_explain else absent)
    if in_progress:
        parts.append(gettext("%s in progress") % quantity(in_progress))
    numbers = ngettext("%(count)s number: %(parts)s.", "%(count)s numbers: %(parts)s.", count)
    return numbers % {"count": quantity(count), "parts": ", ".join(parts)}
