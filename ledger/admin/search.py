"""The admin's search box for rows that belong to an entry."""

from typing import TYPE_CHECKING, Any

from ledger.admin.base import ModelAdmin
from ledger.models import Entry
from ledger.searching import find_entries
from ledger.words import lazily as _

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class EntrySearch(ModelAdmin):
    """For an admin page of rows that belong to an ``entry``: the search box finds them by the entry, as in the ledger.

    The page still needs ``search_fields``, without which Django shows no box.
    """

    search_help_text = _("A number, whole or from its beginning, or a whole document key.")

    def get_search_results(
        self, request: "HttpRequest", queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        """Those whose entry was meant; no row comes twice."""
        term = search_term.strip().replace("\x00", "")
        if term:
            entries = Entry.objects.using(queryset.db).filter(find_entries(term, queryset.db))
            queryset = queryset.filter(entry__in=entries.values("pk"))
        return queryset, False
