"""Books in a file, on a page: upload an export, see its first rows, name its columns, and see what would be found.

Then compare it, or keep the layout as a profile: a small file for ``ledger_books --profile`` and watched folders.
"""

import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext

from ledger.errors import LedgerError
from ledger.keys import KEY_LENGTH
from ledger.localization import lazily as _, quantity
from ledger.reconciliation import BookSettings
from ledger.reconciliation.files import FileRead, reconcile_file
from ledger.spreadsheets import BadRow, Layout, open_table, profile, profile_names, text_of
from ledger.web.access import Access, page
from ledger.web.page import address, render_page

#: The largest file that a page takes, in bytes; the command takes any.
LARGEST = 20 * 1024 * 1024
#: The largest packed file that a form carries to the next step: Django accepts 2.5 MB of fields.
_KEPT = 1_500_000
_ROWS, _BAD, _FINDINGS = 8, 20, 50
_LISTS = {"void_values": "|", "valid_values": "|", "draft_values": "|", "where": None, "skip": None, "kinds": ";"}

#: An optional text.
_text = partial(forms.CharField, required=False)
_SEVERAL = _("Several with | between.")


class BooksForm(forms.Form):
    """An export and how to read it. An empty field takes the profile's value."""

    system = forms.CharField(max_length=KEY_LENGTH, label=_("Name of the books"), initial=_("books"))
    file = forms.FileField(required=False, label=_("Export (CSV, XLSX, ODS, JSON lines)"))
    profile = forms.ChoiceField(required=False, label=_("Program"), choices=[])
    number_column = _text(label=_("Column of the number"))
    date_column = _text(label=_("Column of the date"))
    id_column = _text(label=_("Column of the program's own key"))
    document_column = _text(label=_("Column of our document's key"))
    total_column = _text(label=_("Column of the amount"))
    decimal_comma = forms.BooleanField(required=False, label=_("Amounts are written like 1.234,50"))
    customer_column = _text(label=_("Column of the customer"))
    kind_column = _text(label=_("Column with the kind of document"))
    kinds = _text(
        label=_("Its words for each kind"),
        help_text=_("Such as invoice=Sales Invoice; credit-note=Credit Note|Credit Memo."),
    )
    void_column = _text(label=_("Column that says what is void"))
    void_values = _text(label=_("Its words for void documents"), help_text=_SEVERAL)
    valid_values = _text(label=_("Its words for valid documents"), help_text=_SEVERAL)
    where = _text(label=_("Only rows where"), help_text=_("Such as Type=Invoice|Receipt."))
    skip = _text(label=_("Leave out rows where"), help_text=_("Such as Number=Total*."))
    draft_values = _text(label=_("Its words for drafts"), help_text=_SEVERAL)
    date_format = _text(label=_("Format of dates"), help_text=_("Such as %d.%m.%Y."))
    language = _text(label=_("Language of month names"), help_text=_("Such as de."))
    encoding = _text(label=_("Encoding"), help_text=_("Such as cp1252; by default UTF-8."))
    sheet = _text(label=_("Sheet"), help_text=_("Of a workbook with several tables."))
    header_row = forms.IntegerField(required=False, min_value=1, label=_("Row of the header"))
    first = forms.DateField(required=False, label=_("The file has everything from"), help_text=_("Empty: everything."))
    last = forms.DateField(required=False, label=_("to"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"].choices = [("", _("another")), *((name, name) for name in profile_names())]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            if name.endswith("_column"):
                field.widget.attrs["list"] = "columns"

    def clean_file(self) -> Any:
        """The file, or that of the step before."""
        file = self.cleaned_data["file"] or _kept_file(self.data)
        if file is None:
            raise forms.ValidationError(self.fields["file"].error_messages["required"])
        if file.size is not None and file.size > LARGEST:
            told = _("It has more than %(n)s MB. Use manage.py ledger_books instead.")
            raise forms.ValidationError(told % {"n": LARGEST // 1024**2})
        return file

    def kept(self) -> dict[str, str]:
        """The file for the next step, as hidden fields; empty where it is too large for them."""
        file = self.cleaned_data.get("file")
        if file is None:
            return {}
        file.seek(0)
        packed = b64encode(zlib.compress(file.read())).decode()
        return {"kept": packed, "kept_name": file.name} if len(packed) <= _KEPT else {}

    def clean(self) -> None:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if (first is None) != (last is None):
            self.add_error("last", _("Name both days, or neither."))

    def layout(self) -> Layout:
        """The layout that was chosen; raises InvalidArgument."""
        said: dict[str, Any] = {
            name: self.cleaned_data[name] for name in self.fields if name in Layout.__dataclass_fields__
        }
        for name, between in _LISTS.items():
            values = said[name].split(between) if between else [said[name]]
            said[name] = tuple(value.strip() for value in values if value.strip())
        chosen = {name: value for name, value in said.items() if value}
        named = self.cleaned_data["profile"]
        return profile(named, **chosen) if named else Layout(**chosen)


def _kept_file(data: Mapping[str, Any]) -> SimpleUploadedFile | None:
    """The file that the page sent to the browser, unpacked; None if it is missing or can't be read."""
    try:
        packed = b64decode(data.get("kept", ""), validate=True)
        content = zlib.decompressobj().decompress(packed, LARGEST + 1)
    except (ValueError, zlib.error):
        return None
    return SimpleUploadedFile(data.get("kept_name", ""), content) if content else None


@page("view_findingraised", does="read_books")
def books(request: HttpRequest, access: Access) -> HttpResponse:
    """Compares an export with one tenant's numbers: first as a dry run, then for good."""
    tenant = access.chosen_tenant(request)
    asked = request.method == "POST"
    form = BooksForm(request.POST if asked else None, request.FILES if asked else None)
    context: dict[str, Any] = {"form": form, "header": [], "rows": [], "problem": "", "bad": [], "read": None}
    if asked and form.is_valid():
        try:
            layout = form.layout()
            if request.POST.get("do") == "save":
                return _saved(form.cleaned_data["system"], layout)
            read = _read(form, layout, tenant, context, dry_run=request.POST.get("do") != "read")
            if not read.dry_run:
                told = ngettext(
                    "%(n)s document of %(file)s was compared.",
                    "%(n)s documents of %(file)s were compared.",
                    read.documents,
                )
                messages.success(request, told % {"n": quantity(read.documents), "file": read.source})
                return redirect(address("findings", tenant=tenant or None))
            context |= {"read": read, "found": read.findings[:_FINDINGS]}
        except LedgerError as error:
            context["problem"] = str(error)
    if asked:
        context |= form.kept()
    return render_page(request, access, "books.html", context, tenant=tenant, title=_("Books in a file"))


def _read(form: BooksForm, layout: Layout, tenant: str, context: dict[str, Any], *, dry_run: bool) -> FileRead:
    """Read the file, and put its first rows into the page's ``context``; raises LedgerError."""
    chosen = form.cleaned_data
    bad: list[BadRow] = context["bad"]
    with tempfile.TemporaryDirectory(prefix="folio-") as folder:
        path = Path(folder) / Path(chosen["file"].name).name
        with path.open("wb") as target:
            target.writelines(chosen["file"].chunks())
        with open_table(path, layout) as table:
            context["header"] = table.header
            context["rows"] = [[text_of(cell) for cell in one.cells] for one in islice(table.records, _ROWS)]
        return reconcile_file(
            path,
            BookSettings(chosen["system"], tenant),
            layout,
            complete=None if chosen["first"] is None else (chosen["first"], chosen["last"]),
            on_bad_row=lambda row: bad.append(row) if len(bad) < _BAD else None,
            dry_run=dry_run,
        )


def _saved(system: str, layout: Layout) -> HttpResponse:
    """The layout as a profile to keep: what differs from the defaults."""
    plain = asdict(Layout())
    told = {name: value for name, value in asdict(layout).items() if value != plain[name]}
    response = JsonResponse({"title": system, "layout": told}, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = 'attachment; filename="profile.json"'
    return response
