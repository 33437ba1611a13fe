"""The catalogues of ``ledger/locale``: `python -m tests.messages` finds every marked text, merges it, and compiles.

GNU gettext is not needed. Templates are read by Django itself, so a message is exactly what Django will look up;
the names of models and their columns are asked of the models (``ledger.models.columns.speak``), and rules of the rules.
docs/contributing/translating.md is for translators.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.contrib import admin
from django.template import Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

import ledger
from ledger.rules import Rules, all_rules

LEDGER = Path(ledger.__file__).parent
LOCALE = LEDGER / "locale"
LANGUAGES = ("de", "es", "fr", "pt_BR")

#: Functions that mark a text, and which of their arguments are texts: singular, plural, context.
MARKS: dict[str, tuple[int, int | None, int | None]] = {
    **dict.fromkeys(("_", "gettext", "lazily", "to_translate", "translated", "judged", "Finding"), (0, None, None)),
    "all_to_translate": (0, None, None),  # and all that follow
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (1, None, 0)),
}

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)

#: A message: singular and plural (or None), its context (or None), and the file it stands in.
Message = tuple[str, str | None, str | None, str]


def messages() -> Iterator[Message]:
    """Every marked text, in the order of the files."""
    for path in sorted([*LEDGER.rglob("*.py"), *(LEDGER.parent / "workers").glob("*.py")]):
        for one in of_python(path.read_text(encoding="utf-8")):
            yield (*one, str(path.relative_to(LEDGER.parent)))
    for path in sorted((LEDGER / "templates").rglob("*.html")):
        for one in of_template(path.read_text(encoding="utf-8")):
            yield (*one, str(path.relative_to(LEDGER.parent)))
    for rules in all_rules().values():
        for text in of_rules(rules):
            yield text, None, None, "ledger/rules/countries.toml"
    for model in sorted(admin.site._registry, key=lambda known: known.__name__):
        for text in of_model(model) if model._meta.app_label.startswith("ledger") else ():
            yield text, None, None, "ledger/models"


def of_python(source: str) -> Iterator[tuple[str, str | None, str | None]]:
    """The messages of a module; of ``translated("…" if … else "…")`` both."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MARKS:
            continue
        if node.func.id == "all_to_translate":
            yield from ((text, None, None) for argument in node.args for text in _texts(argument))
            continue
        singular, plural, context = MARKS[node.func.id]
        more = [None if at is None else next(_texts(node.args[at])) for at in (plural, context)]
        for text in _texts(node.args[singular]) if len(node.args) > singular else ():
            yield text, more[0], more[1]


def _texts(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.IfExp):
        yield from (*_texts(argument.body), *_texts(argument.orelse))
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value


def of_rules(rules: Rules) -> Iterator[str]:
    """A country's rules, and what Folio doesn't check of them."""
    yield from (rules.name, *rules.unchecked)
    yield from (one.told for one in (rules.reset, rules.characters, rules.authorisation) if one is not None)


def of_template(source: str) -> Iterator[tuple[str, str | None, str | None]]:
    """The messages of a template, as Django looks them up."""
    nodes: Any = Template(source).nodelist
    for node in nodes.get_nodes_by_type((TranslateNode, BlockTranslateNode)):
        context = node.message_context and node.message_context.resolve({})
        if isinstance(node, BlockTranslateNode):
            plural = node.render_token_list(node.plural)[0] if node.plural else None
            yield node.render_token_list(node.singular)[0], plural, context
        elif (literal := getattr(node.filter_expression.var, "literal", None)) is not None:
            yield literal.replace("%", "%%"), None, context


def of_model(model: Any) -> Iterator[str]:
    """The names, helps and choices of a model that the admin shows."""
    yield from map(str, (model._meta.verbose_name, model._meta.verbose_name_plural))
    for column in model._meta.local_fields:
        yield from (text for text in map(str, (column.verbose_name, column.help_text)) if text)
        yield from (str(label) for _value, label in column.choices or ())


@cache
def template() -> Catalog:
    """All messages, without translations."""
    catalogue = Catalog(charset="utf-8")
    for singular, plural, context, place in messages():
        known = (singular, plural) if plural is not None else singular
        flags = ["python-format"] if "%(" in singular or "%s" in singular else []
        catalogue.add(known, locations=[(place, 0)], context=context, flags=flags)
    return catalogue


def catalogue_of(language: str) -> Catalog:
    """The translations so far."""
    path = po_file(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def po_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def text_of(catalogue: Catalog) -> bytes:
    """The file of a catalogue. Its header has no date, which would change with every run."""
    target = BytesIO()
    write_po(target, catalogue, width=120, omit_header=True, include_lineno=False, ignore_obsolete=True)
    plurals = catalogue.plural_forms.rstrip(";")
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalogue.locale_identifier}\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        f'"Plural-Forms: {plurals};\\n"\n\n'
    )
    return header.encode() + target.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """The same for Django; what is fuzzy or missing is left out."""
    target = BytesIO()
    header = Catalog(locale=catalogue.locale, charset="utf-8", creation_date=_NEVER, revision_date=_NEVER)
    for one in catalogue:
        if one.id and not one.fuzzy:
            header.add(one.id, one.string, context=one.context)
    write_mo(target, header)
    return target.getvalue()


def main() -> None:
    """Renew every catalogue and its compiled form."""
    every = template()
    for language in LANGUAGES:
        catalogue = catalogue_of(language)
        catalogue.update(every, no_fuzzy_matching=True)
        path = po_file(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text_of(catalogue))
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = sum(not one.string or not all(one.string) for one in catalogue if one.id)
        print(f"{language}: {len(catalogue)} messages, {missing} missing, {sum(one.fuzzy for one in catalogue)} fuzzy")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()
