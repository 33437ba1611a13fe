"""Schema for each tenant with a real django-tenants, set up as the guide says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ROOT, new_database
from tests.environments import make, strangers_environment

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
PACKAGES = ("django-tenants==4.0.1",)
#: Many times what one command takes.
PATIENCE = 300

ALLOCATIONS = ("serial", "at_commit", "pooled", "reserved")

CUSTOMERS = """
from customers.models import Customer, Domain
for name in ("north", "south"):
    customer = Customer.objects.create(schema_name=name, name=name)
    Domain.objects.create(domain=name + ".example", tenant=customer, is_primary=True)
"""

CLONE = """
from django.conf import settings
from django.db import connection
from django_tenants.clone import CloneSchema
from customers.models import Customer
# Its function is given to this role, which here is not the one that logs in.
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    settings.DATABASES["default"]["USER"] = cursor.fetchone()[0]
CloneSchema().clone_schema("north", "clone")
Customer.auto_create_schema = False
Customer.objects.create(schema_name="clone", name="clone")
"""


@dataclass(frozen=True)
class Project:
    """A folder with the project, its Python, and its database."""

    folder: Path
    python: Path
    environment: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> str:
        """What a program wrote, standard output first."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == code, f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def manage(self, *arguments: str, code: int = 0) -> str:
        return self.run("manage.py", *arguments, code=code)


def blocks_of_the_guide() -> dict[str, str]:
    """Its Python blocks by the file that they name in their first line."""
    page = (ROOT / "docs" / "guides" / "schemas.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    return dict(blocks)


def set_up(folder: Path) -> None:
    """Copy the project, and write into it what the guide has."""
    shutil.copytree(HERE / "project", folder)
    blocks = blocks_of_the_guide()
    with (folder / "shop" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write(blocks["shop/settings.py"])
        settings.write("\nif os.environ.get('LEDGER_IN_PUBLIC'):\n    SHARED_APPS = [*SHARED_APPS, 'ledger']\n")
    for place in ("management", "management/commands"):
        (folder / "orders" / place).mkdir()
        (folder / "orders" / place / "__init__.py").touch()
    for name in ("management/commands/each_tenant.py", "tasks.py"):
        (folder / "orders" / name).write_text(blocks[f"shop/orders/{name}"], encoding="utf-8")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tenants") / "venv"
    return make(folder, Path(sys.executable), f"{wheel}[binary,workers]", *PACKAGES)


@pytest.fixture(scope="module", params=["", "1"], ids=["tenants", "tenants and public"])
def project(
    request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """With a ledger in the tenants' schemas, and with one more in public."""
    folder = tmp_path_factory.mktemp("tenants") / "shop"
    set_up(folder)
    with new_database("folio_tenants", owned=True) as url:
        environment = strangers_environment(
            DATABASE_URL=url,
            DJANGO_SETTINGS_MODULE="shop.settings",
            LEDGER_IN_PUBLIC=request.param,
            LIMIT_SET_CALLS=request.param,
            PYTHONPATH=str(folder),
        )
        made = Project(folder, python, environment)
        made.manage("makemigrations", "customers", "orders")
        made.manage("migrate_schemas", "--shared", "--verbosity", "0")
        made.manage("shell", "-c", CUSTOMERS)
        yield made


@pytest.fixture(scope="module")
def facts(project: Project) -> dict[str, Any]:
    """What happened, all in one process."""
    told: dict[str, Any] = json.loads(project.run("scenarios.py").splitlines()[-1])
    return told


@pytest.mark.parametrize("schema", ["north", "south"])
@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_every_allocation_in_each_schema(facts: dict[str, Any], schema: str, allocation: str) -> None:
    *december, january = facts[schema][allocation]
    assert december == [f"{allocation}-2026-{value}" for value in (1, 2, 3)]
    assert january == f"{allocation}-2027-1", "the first checkout of a period opens it"


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_many_checkouts_of_both_at_once(facts: dict[str, Any], allocation: str) -> None:
    expected = [f"{schema} {allocation}-2027-{value}" for schema in ("north", "south") for value in range(2, 42)]
    assert facts["at_once"][allocation] == sorted(expected)


def test_numbers_are_told_after_the_schema_was_left(facts: dict[str, Any]) -> None:
    assert facts["later"] == {name: [f"{name}-2026-{value}" for value in (1, 2, 3)] for name in ("north", "south")}


def test_sweeps_run_in_each_schema(facts: dict[str, Any]) -> None:
    sweeps = [
        *("close_periods", "flag_gaps", "heal", "missing_documents", "open_next_periods", "refill_pools", "seal"),
        "verify",
    ]
    assert facts["swept"] == {"north": sweeps, "south": sweeps}


def test_nothing_is_left_in_public(facts: dict[str, Any], project: Project) -> None:
    before, after = facts["public"]
    assert bool(after) == bool(project.environment["LEDGER_IN_PUBLIC"])
    assert after == before
    assert not after.get("ledger_entry")


def test_each_ledger_is_as_it_should_be(facts: dict[str, Any]) -> None:
    assert [facts["verified north"], facts["verified south"]] == [[], []]


def test_commands_in_one_schema_and_in_all(facts: dict[str, Any], project: Project) -> None:
    project.manage("tenant_command", "ledger_verify", "--schema=north")
    assert "reserved" in project.manage("tenant_command", "ledger_series", "list", "--schema=south")
    assert "serial-2026-1" in project.manage("tenant_command", "ledger_report", "--schema=north")
    assert project.manage("check", "--database", "default")
    assert project.manage("each_tenant", "ledger_sweep", "flag_gaps", "heal").count("flag_gaps") == 2
    # The first schema ends with an error, and the second one has its turn all the same.
    said = project.manage("each_tenant", "ledger_sweep", "no_such_sweep", code=2)
    assert re.search("^north: .*^south: ", said, flags=re.MULTILINE | re.DOTALL)


def test_a_clone_looks_into_its_model_until_its_functions_are_made_again(
    facts: dict[str, Any], project: Project
) -> None:
    project.manage("shell", "-c", CLONE)
    said = project.manage("tenant_command", "ledger_verify", "--schema=clone", code=2)
    assert "ledger_install" in said
    assert "search_path=pg_catalog, north, pg_temp" in said
    project.manage("tenant_command", "ledger_install", "--schema=clone")
    assert project.manage("tenant_command", "ledger_verify", "--schema=clone")
