"""The old names, each time in a new project and process: with and without the shims, with and without the original."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SEQUENCES = "ledger.compat.sequences_shim"
SEQUENCE = "ledger.compat.django_sequence_shim"

SETTINGS = """
from tests.settings import *
DATABASES["default"]["NAME"] = {database!r}
INSTALLED_APPS = [{apps}]
"""
MODELS = """
from django.db import models
{imports}

class Invoice(models.Model):
    number = models.CharField(max_length=50)
"""
APPS = """
from django.apps import AppConfig
{imports}

class ShopConfig(AppConfig):
    name = "shop"
"""
RUN = "import django; django.setup(); import shop.models as shop\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, transactional_db: None) -> Run:
    """Runs code in a project; django-sequences is there or not.

    The shop has ``imports`` in its models, and ``early`` where its AppConfig stands. The shims, ``apps``, come last, or
    before everything else.
    """

    def run(
        code: str,
        *,
        apps: tuple[str, ...] = (),
        imports: str = "",
        early: str = "",
        first: bool = False,
        original: bool = False,
        settings: str = "",
        before: str = "",
    ) -> subprocess.CompletedProcess[str]:
        own = ("django.contrib.contenttypes", "django.contrib.auth", "shop", "ledger")
        installed = (*apps, *own) if first else (*own, *apps)
        packages = tmp_path / "packages"
        packages.mkdir()
        for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if original or not entry.name.startswith(("sequences", "django_sequences")):
                (packages / entry.name).symlink_to(entry)
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "__init__.py").touch()
        (tmp_path / "shop" / "models.py").write_text(MODELS.format(imports=imports))
        (tmp_path / "shop" / "apps.py").write_text(APPS.format(imports=early))
        (tmp_path / "shop_settings.py").write_text(
            SETTINGS.format(database=connection.settings_dict["NAME"], apps=", ".join(map(repr, installed))) + settings
        )
        paths = os.pathsep.join(str(path) for path in (tmp_path, packages, ROOT))
        return subprocess.run(
            # -S: what is installed is what stands in `packages`, and nothing else.
            [sys.executable, "-S", "-c", before + RUN + code],
            env={**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "shop_settings"},
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=120,
        )

    return run


def printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_sequences(run: Run) -> None:
    done = run(
        "print(shop.get_next_value(), shop.get_next_value('a', initial_value=7), *shop.sequences.get_next_values(2))\n"
        "from sequences import *; print(next(Sequence('a')), get_last_value('a'), delete('a'), get_next_value('a'))\n"
        "from ledger.models import Entry; print(Entry.objects.count())",
        apps=(SEQUENCES,),
        imports="import sequences\nfrom sequences import get_next_value",
    )
    assert printed(done) == ["1", "7", "2", "3", "8", "8", "True", "1", "6"]


def test_django_sequence(run: Run) -> None:
    done = run(
        "print(shop.next_sequence('ticket'))\n"
        "print(shop.Sequence.objects.create(scope='a', prefix='A-', include_year=False).formatted_value)\n"
        "import django_sequence.services, django_sequence.exceptions\n"
        "from django_sequence.exceptions import SequenceError, SequenceLockedError\n"
        "try: django_sequence.services.next_sequence('no', auto_create=False)\n"
        "except django_sequence.exceptions.SequenceNotFoundError as error: print('none')\n",
        apps=(SEQUENCE,),
        imports="from django_sequence.services import next_sequence\nfrom django_sequence.models import Sequence",
    )
    assert printed(done) == ["TKT-000001", "A-000000", "none"]


@pytest.mark.parametrize(
    ("module", "apps"), [("sequences", (SEQUENCES,)), ("ledger.compat.django_sequences", ())], ids=["shim", "ours"]
)
def test_before_the_apps_are_ready(run: Run, module: str, apps: tuple[str, ...]) -> None:
    """The original can be imported in the module of an AppConfig."""
    done = run(
        "import shop.apps as early; print(early.get_next_value('a'), next(early.cases))",
        apps=apps,
        early=f"from {module} import Sequence, get_next_value\ncases = Sequence('cases', initial_value=7)",
        first=True,
    )
    assert printed(done) == ["1", "7"]


def test_before_setup(run: Run) -> None:
    """As settings, celery.py and the like import it."""
    done = run(
        "print(early.get_next_value('a'), shop.get_next_value('a'))",
        apps=(SEQUENCES,),
        imports="from sequences import get_next_value",
        before="import ledger.compat.sequences_shim\nimport sequences as early\n",
    )
    assert printed(done) == ["1", "2"]


@pytest.mark.parametrize("entry", ["sequences", "sequences.apps.SequencesConfig"])
def test_the_originals_app_is_left_in_the_settings(run: Run, entry: str) -> None:
    done = run("", apps=(SEQUENCES, entry), first=True)
    assert done.returncode == 1
    assert f"INSTALLED_APPS has '{entry}'" in done.stderr.splitlines()[-1]
    assert f"Take '{entry}' out." in done.stderr.splitlines()[-1]


def test_the_original_is_hidden_where_that_is_asked_for(run: Run) -> None:
    done = run(
        "import sequences; print(sequences.__stands_in_for__, shop.get_next_value('a'))\n"
        "from ledger.models import Entry; print(Entry.objects.count())",
        apps=(SEQUENCES,),
        first=True,
        imports="from sequences import get_next_value",
        original=True,
        settings="LEDGER_COMPAT = {'HIDE_ORIGINALS': True}",
    )
    assert printed(done) == ["django-sequences", "1", "1"]


def test_what_was_imported_before_cannot_be_hidden(run: Run) -> None:
    done = run(
        "",
        apps=(SEQUENCES,),
        early="import sequences",
        original=True,
        settings="LEDGER_COMPAT = {'HIDE_ORIGINALS': True}",
    )
    assert done.returncode == 1
    assert "it was imported before" in done.stderr.splitlines()[-1]
    assert f"Put '{SEQUENCES}' first" in done.stderr.splitlines()[-1]


def test_django_sequence_in_the_registry_and_in_migrations(run: Run) -> None:
    done = run(
        "from django.apps import apps\n"
        "from django.core.management import call_command\n"
        "from django.db.migrations.loader import MigrationLoader\n"
        "call_command('migrate', 'django_sequence', verbosity=0)\n"
        "call_command('makemigrations', 'django_sequence', check=True, dry_run=True, verbosity=0)\n"
        "past = MigrationLoader(None).project_state(('django_sequence', '0001_initial')).apps\n"
        "Sequence = past.get_model('django_sequence', 'Sequence')\n"
        "nobody = {'org_content_type': None, 'org_id': ''}\n"
        "made = Sequence.objects.get_or_create(scope='invoice', **nobody, defaults={'prefix': 'I-', 'pad_width': 2})\n"
        "print(made[1], made[0].prefix, Sequence.objects.using('default').filter(scope='invoice').count())\n"
        "Sequence = apps.get_model('django_sequence', 'Sequence')\n"
        "print(Sequence.objects.get(scope='invoice').pad_width, list(Sequence._base_manager.all()))\n"
        "call_command('dumpdata', 'django_sequence')\nprint()\n"
        "try: Sequence.objects.values_list('scope')\n"
        "except AttributeError as error: print(str(error)[:35].replace(' ', '_'))\n",
        apps=(SEQUENCE,),
    )
    assert printed(done) == ["True", "I-", "1", "2", "[]", "[]", "Sequence.objects_has_no_values_list"]


def test_migrations_that_depend_on_the_original(run: Run) -> None:
    done = run(
        "from django.core.management import call_command\n"
        "from django.db.migrations.loader import MigrationLoader\n"
        "call_command('migrate', 'sequences', verbosity=0)\n"
        "call_command('makemigrations', 'sequences', check=True, dry_run=True, verbosity=0)\n"
        "print(*sorted(name for app, name in MigrationLoader(None).graph.nodes if app == 'sequences'))",
        apps=(SEQUENCES,),
    )
    assert printed(done) == ["0001_initial", "0002_alter_sequence_last"]


def test_the_table_of_the_original_is_gone(run: Run) -> None:
    done = run("import sequences.models; from sequences.models import Sequence", apps=(SEQUENCES,))
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert told.startswith("ImportError: sequences.models.Sequence is not there. Folio stands in for")
    assert "sequences.get_last_value(name)" in told


def test_a_name_that_neither_has(run: Run) -> None:
    done = run("import sequences; sequences.get_next_valeu", apps=(SEQUENCES,))
    assert "module 'sequences', for which Folio stands in, has no attribute 'get_next_valeu'" in done.stderr


def test_without_the_shims_nothing_stands_in(run: Run) -> None:
    done = run(
        "import importlib.util, ledger, ledger.compat.django_sequences, ledger.compat.django_sequence\n"
        "print(importlib.util.find_spec('sequences'), importlib.util.find_spec('django_sequence'))"
    )
    assert printed(done) == ["None", "None"]


def test_the_original_is_not_hidden(run: Run) -> None:
    done = run("", apps=(SEQUENCES,), original=True)
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert (
        "ImproperlyConfigured: 'ledger.compat.sequences_shim' stands in for django-sequences, which is installed"
        in told
    )
    assert "pip uninstall django-sequences" in told
    assert "take 'ledger.compat.sequences_shim' out of INSTALLED_APPS" in told


def test_the_original_beside_folio_without_the_shim(run: Run) -> None:
    done = run("import sequences; print(sequences.__file__.endswith('sequences/__init__.py'))", original=True)
    assert printed(done) == ["True"]


def test_a_host_without_the_admin(run: Run) -> None:
    """Like pretix: Django imports the tags of every app with the first template."""
    done = run(
        "from django.template import engines\n"
        "print(engines['django'].from_string('{% load ledger_pages %}{{ a }}').render({'a': 'rendered'}))"
    )
    assert printed(done) == ["rendered"]
