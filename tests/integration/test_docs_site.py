"""The documentation's site: it builds without a warning or a network, leads nowhere wrong, and leaves nothing out."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.apps import apps
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.db import connection
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ledger import actions, conf, errors, gaps, number_templates, reconciliation
from ledger.calendars import CalendarKind
from ledger.compat import django_sequence, django_sequences
from ledger.site import settings as site_settings
from ledger.verification import catalogue
from tests.docs_site import ROOT, Page, Site
from workers import tasks
from workers.accounting import errors as accounting_errors, systems

#: Elements that a browser fetches for by itself; a link is asked for by a person.
_FETCHING = {"audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "video"}

#: What may be text in a site that people read: everything but pictures and Sphinx' own inventory.
_TEXTS = {".css", ".html", ".js", ".json", ".svg", ".txt", ""}


def commands() -> list[tuple[str, str]]:
    """The app and the name of each management command that users get."""
    found = []
    for app in ("ledger", "workers"):
        package = importlib.import_module(f"{app}.management.commands")
        found += [(app, module.name) for module in pkgutil.iter_modules(package.__path__)]
    return found


def public_names() -> set[str]:
    """Every name that users import, as the reference must have it."""
    import ledger

    classes = [
        f"{module.__name__}.{name}"
        for module in (errors, accounting_errors)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__
    ]
    exported = [
        f"{module.__name__}.{name}"
        for module in (ledger, gaps, reconciliation, tasks, django_sequence, django_sequences)
        for name in module.__all__
        if not inspect.ismodule(getattr(module, name))  # what those export stands in the reference itself
    ]
    # Those that have a place elsewhere stand there.
    acts = [name for name in actions.__all__ if getattr(actions, name).__module__.startswith("ledger.actions")]
    exported += [f"ledger.actions.{name}" for name in acts if name not in ledger.__all__]
    single = [
        *("ledger.compat.number_field.NumberField", "ledger.compat.number_field.create_many"),
        *("ledger.compat.oscar.OrderNumberGenerator", "ledger.compat.lorikeet.invoice_id"),
        *("workers.broker.use", "workers.accounting.systems.connect"),
        *("ledger.series.change_allocation", "ledger.adoption.adopt", "ledger.verification.verify"),
        *("ledger.reports.report.continuity_report", "ledger.remote.draft_of", "ledger.sweeps.run"),
        *(f"ledger.models.{name}" for name in ("Entry", "NumberIssued", "NumberVoided", "Series", "Period")),
    ]
    return {*classes, *exported, *single}


def page(site: Site, path: str) -> Page:
    return site.pages[path]


def test_it_builds_without_a_warning_and_without_a_network(site_of_docs: Site) -> None:
    assert site_of_docs.said == ""
    assert site_of_docs.code == 0
    assert len(site_of_docs.pages) > 30


def test_every_link_and_anchor_leads_somewhere(site_of_docs: Site) -> None:
    astray = []
    for path, found in site_of_docs.pages.items():
        for reference in found.references:
            parts = urlsplit(reference.address)
            if parts.scheme or parts.netloc:
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path))) if parts.path else path
            )
            if target.endswith(".html"):
                there = site_of_docs.pages.get(target)
                if there is None or (parts.fragment and unquote(parts.fragment) not in there.ids | {"top"}):
                    astray.append(f"{path}: {reference.address}")
            elif not (site_of_docs.folder / target).exists():
                astray.append(f"{path}: {reference.address}")
    assert astray == []


def test_nothing_is_asked_of_another_host(site_of_docs: Site) -> None:
    foreign = [
        f"{path}: <{reference.element}> {reference.address}"
        for path, found in site_of_docs.pages.items()
        for reference in found.references
        if reference.element in _FETCHING and (urlsplit(reference.address).netloc or reference.address.startswith("//"))
    ]
    for path in site_of_docs.folder.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        foreign += [
            f"{path.name}: {each}" for each in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\s]+", text)
        ]
    assert foreign == []


def test_it_tells_nothing_of_the_machine_that_built_it(site_of_docs: Site) -> None:
    private = {str(ROOT), str(site_of_docs.folder.parent), str(Path.home()), sys.prefix, sys.base_prefix} - {
        "/",
        "/root",
        "/usr",
    }
    telling = [
        f"{path.relative_to(site_of_docs.folder)}: {found}"
        for path in site_of_docs.folder.rglob("*")
        if path.is_file() and path.suffix in _TEXTS
        for found in private
        if found in path.read_text(encoding="utf-8")
    ]
    assert telling == []


def test_every_public_name_is_in_the_reference(site_of_docs: Site) -> None:
    reference = [found.ids for path, found in site_of_docs.pages.items() if path.startswith("reference/")]
    assert public_names().difference(*reference) == set()


@pytest.mark.parametrize(("app", "name"), commands())
def test_every_command_is_in_the_reference_with_all_its_options(site_of_docs: Site, app: str, name: str) -> None:
    there = page(site_of_docs, "reference/commands.html")
    assert name.replace("_", "-") in there.ids
    everywhere = {option for action in BaseCommand().create_parser("", "")._actions for option in action.option_strings}
    help_text = load_command_class(app, name).create_parser("manage.py", name).format_help()
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_text)) - everywhere
    assert not [option for option in options if option not in there.text]
    section = re.search(rf"\n{name}¶(.*?)(?=\nledger_\w+¶|\Z)", there.text, re.DOTALL)
    assert section is not None
    assert "Exit codes: 0:" in section[1]


def test_every_setting_is_in_the_reference(site_of_docs: Site) -> None:
    there = page(site_of_docs, "reference/settings.html")
    for key in {*conf._KEYS, *conf.COMPAT_KEYS, *conf.LORIKEET_KEYS, *systems._KEYS}:
        assert f"\n{key}¶" in there.text, key
    for key in systems._SYSTEM_KEYS | systems._RECONCILING:
        assert f"\n{key}\n" in there.text, key
    for sweep, times in conf.SWEEPS.items():
        assert re.search(rf"\n{sweep}\s+{times['every']:g}\s+{times['limit']:g}\s", there.text), sweep
    for code, series in conf.DEFAULT_SERIES.items():
        assert re.search(rf"\n{code}\s+{re.escape(series['template'])}\s+{series['calendar']}\s", there.text), code
    variables = re.findall(r"^([A-Z_]{4,})\s", inspect.getdoc(site_settings) or "", re.MULTILINE)
    assert len(variables) > 10
    assert not [variable for variable in variables if variable not in there.text]


def test_every_system_check_is_in_the_reference(site_of_docs: Site) -> None:
    files = [path for app in ("ledger", "workers") for path in (ROOT / app).rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    checks = set(re.findall(r'id="(ledger\.[EW]\d{3})"', code))
    assert len(checks) > 5
    assert checks == set(re.findall(r"ledger\.[EW]\d{3}", page(site_of_docs, "reference/settings.html").text))


def test_every_token_and_calendar_is_in_the_reference(site_of_docs: Site) -> None:
    there = page(site_of_docs, "reference/templates.html").text
    tokens = {token.text for token in number_templates.TOKENS.values()}
    assert not [token for token in (*tokens, "{counter:06}", "{series}", "{tenant}") if token not in there]
    for kind, example in number_templates.examples.items():
        assert re.search(rf"\n{kind.value}\n[^¶]*?\n{re.escape(example)}\n", there), kind
    assert set(number_templates.examples) == set(CalendarKind)


def test_every_table_is_in_the_reference(site_of_docs: Site) -> None:
    there = page(site_of_docs, "reference/tables.html").text
    models = [*apps.get_app_config("ledger").get_models(), *apps.get_app_config("ledger_workers").get_models()]
    tables = {model._meta.db_table for model in models}
    assert not [table for table in tables if not re.search(rf"\b{table}\b", there)]
    shown = {field.column for field in apps.get_model("ledger", "Entry")._meta.concrete_fields} - {"id"}
    assert not [column for column in shown if not re.search(rf"\b{column}\b", there)]


@pytest.mark.django_db
def test_what_the_proofs_rest_on_is_in_the_database(site_of_docs: Site) -> None:
    """Each trigger, index and constraint that the page names; and it names each trigger there is."""
    named = set(re.findall(r"\bledger_\w+", page(site_of_docs, "explanation/proofs.html").text))
    triggers = {name.partition(".")[2] for name in catalogue.shipped().objects["trigger"]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class")
        there = {row[0] for row in cursor.fetchall()} | triggers
    assert named - there - {name for _, name in commands()} == set()
    assert triggers - named == set()


# ---- Markdown as a forge shows it ----------------------------------------------------------------------------------


def markdown() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def tokens(path: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
        yield token
        yield from token.children or []


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a file."""
    found: set[str] = set()
    in_heading = False
    for token in tokens(path):
        if token.type in ("heading_open", "heading_close"):
            in_heading = token.type == "heading_open"
        elif in_heading and token.type == "inline":
            title = "".join(part.content for part in token.children or [])
            slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            found.add(slug if slug not in found else f"{slug}-{sum(each.startswith(slug) for each in found)}")
    return found


def made_anchors(path: Path) -> set[str]:
    """The anchors of headings that come from the code when the site is built."""
    return {name.replace("_", "-") for _, name in commands()} if path.name == "commands.md" else set()


def leads_somewhere(path: Path, address: str) -> bool:
    """Whether a relative address in the file ``path`` names a file of ours, and a heading of it."""
    parts = urlsplit(address)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or not target.is_relative_to(ROOT):
        return False
    return not parts.fragment or parts.fragment in anchors(target) | made_anchors(target)


@pytest.mark.parametrize("path", markdown(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere_on_a_forge(path: Path) -> None:
    addresses = [str(token.attrGet("href") or token.attrGet("src") or "") for token in tokens(path)]
    relative = [address for address in addresses if address and not urlsplit(address).scheme]
    assert [address for address in relative if not leads_somewhere(path, address)] == []


def test_the_readme_stays_short() -> None:
    """A developer judges by it in ten minutes; what needs more has a page."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 92
