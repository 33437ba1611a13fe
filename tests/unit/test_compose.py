"""docker-compose.yml: sound by the Compose specification, and safe by our own rules."""

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import compose

LONG_RUNNING = ("web", "worker", "beat", "db", "redis")
#: What runs Folio's own image.
OURS = ("migrate", "web", "worker", "beat")

#: Each secret, and which services need it; `db` makes the roles, and so needs the password of each.
SECRETS = {
    "POSTGRES_PASSWORD": {"db"},
    "OWNER_PASSWORD": {"db", "migrate"},
    "SITE_PASSWORD": {"db", "web"},
    "WORKER_PASSWORD": {"db", "worker"},
    "REDIS_PASSWORD": {"worker", "beat", "redis"},
    "SECRET_KEY": {"web"},
    "METRICS_TOKEN": {"web"},
    "LEDGER_TOKEN_KEYS": {"worker"},
}
#: What a deployment may leave out, and what those services then don't do.
OPTIONAL = {"METRICS_TOKEN", "LEDGER_TOKEN_KEYS"}
NO_SECRETS = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS", "ACCOUNTING_FILE"}
VALUES = {name: name for name in (*SECRETS, *NO_SECRETS)}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return compose.load()


def test_follows_the_specification(document: dict[str, Any]) -> None:
    assert compose.problems(document) == []


@pytest.mark.parametrize(
    "service", [{"imagine": "a typo"}, {"ports": 3}, {"healthcheck": {"intervall": "3s"}}, {"build": {"zz": 1}}]
)
def test_the_check_can_fail(service: dict[str, Any]) -> None:
    assert compose.problems({"services": {"web": service}})


def test_has_the_services(document: dict[str, Any]) -> None:
    assert set(document["services"]) == {*LONG_RUNNING, "migrate"}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_service_has_a_health_check(document: dict[str, Any], name: str) -> None:
    check = document["services"][name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_migration(document: dict[str, Any], name: str) -> None:
    waits = document["services"][name]["depends_on"]
    assert waits["migrate"] == {"condition": "service_completed_successfully"}
    assert waits["db"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_celery_waits_for_its_broker(document: dict[str, Any], name: str) -> None:
    assert document["services"][name]["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_the_migration_waits_for_the_database(document: dict[str, Any]) -> None:
    assert document["services"]["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_volumes_are_named_and_used(document: dict[str, Any]) -> None:
    mounted = {
        mount.partition(":")[0] for service in document["services"].values() for mount in service.get("volumes", [])
    }
    assert mounted == set(document["volumes"]) == {"postgres", "redis", "beat"}


def test_the_image_is_built_inline_for_an_ordinary_user(document: dict[str, Any]) -> None:
    for name in OURS:
        lines = document["services"][name]["build"]["dockerfile_inline"].splitlines()
        assert lines[0].startswith("FROM python:3.13-slim")
        assert lines[-1] == "USER folio"


def test_compose_passes_the_dockerfile_on_untouched(document: dict[str, Any]) -> None:
    # Compose would put its own variables in place of a `$`.
    assert "$" not in document["services"]["web"]["build"]["dockerfile_inline"]


@pytest.mark.parametrize("name", OURS)
def test_what_runs_folio_is_locked_in(document: dict[str, Any], name: str) -> None:
    service = document["services"][name]
    assert service["read_only"] is service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108  (inside the container)
    assert not {"cap_add", "privileged", "user", "pid", "network_mode"} & set(service)


def test_text_of_this_file_is_mounted_where_files_can_be_written(document: dict[str, Any]) -> None:
    """Compose copies such a text into the container, which fails where the container's files are read-only."""
    texts = {name for name, config in document["configs"].items() if "content" in config}
    for service in document["services"].values():
        mounted = {mount["source"] for mount in service.get("configs", [])}
        assert not (service.get("read_only") and texts & mounted)


# What reaches whom -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("secret", "services"), SECRETS.items())
def test_a_secret_reaches_only_who_needs_it(document: dict[str, Any], secret: str, services: set[str]) -> None:
    assert {name for name, service in document["services"].items() if secret in compose.variables(service)} == services


def test_every_variable_is_listed_as_secret_or_not(document: dict[str, Any]) -> None:
    assert compose.variables(document) == {*SECRETS, *NO_SECRETS}
    # Nor one that is written without braces, which the tests here would not see.
    assert "$" not in compose.VARIABLE.sub("", json.dumps(document))


def test_secrets_reach_the_services_by_their_environment_alone(document: dict[str, Any]) -> None:
    """Not by a command, which every user of the machine can read, nor built into the image."""
    everything_else = {
        name: {key: value for key, value in service.items() if key != "environment"}
        for name, service in document["services"].items()
    }
    assert not compose.variables([everything_else, document["configs"]]) & set(SECRETS)


def test_no_secret_has_a_default(document: dict[str, Any]) -> None:
    text = compose.FILE.read_text(encoding="utf-8")
    for name in SECRETS:
        used = re.findall(r"(?<!\$)\$\{" + name + r"(.*?)\}", text)
        assert used
        assert all(rest.startswith(":?") or (name in OPTIONAL and rest == ":-") for rest in used)


def test_each_process_logs_in_as_its_own_role(document: dict[str, Any]) -> None:
    logins = {
        name: compose.environment(document, name, VALUES)["DATABASE_URL"]
        for name in document["services"]
        if "DATABASE_URL" in document["services"][name]["environment"]
    }
    assert logins == {
        "migrate": "postgresql://folio_owner:OWNER_PASSWORD@db:5432/folio",
        "web": "postgresql://folio_site:SITE_PASSWORD@db:5432/folio",
        "worker": "postgresql://folio_worker:WORKER_PASSWORD@db:5432/folio",
    }


def test_nobody_logs_in_as_the_superuser(document: dict[str, Any]) -> None:
    # The image makes a superuser of this name, and the roles beside it have no such power.
    assert "POSTGRES_USER" not in document["services"]["db"]["environment"]
    assert "postgresql://postgres" not in compose.FILE.read_text(encoding="utf-8")
    script = document["configs"]["roles"]["content"]
    made = re.findall(r"^CREATE ROLE (\w+) (.*) PASSWORD :'\w+';$", script, re.MULTILINE)
    assert [name for name, _ in made] == ["folio_owner", "folio_site", "folio_worker"]
    assert {powers for _, powers in made} == {"LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"}


def test_only_the_site_has_its_key(document: dict[str, Any]) -> None:
    signs = {name: "SIGNS_NOTHING" not in document["services"][name]["environment"] for name in OURS}
    assert signs == {"migrate": False, "web": True, "worker": False, "beat": False}


def test_the_roles_are_made_by_the_database_alone(document: dict[str, Any]) -> None:
    mounted = [
        (name, mount["target"])
        for name, service in document["services"].items()
        for mount in service.get("configs", [])
        if mount["source"] == "roles"
    ]
    assert mounted == [("db", "/docker-entrypoint-initdb.d/roles.sql")]
    script = document["configs"]["roles"]["content"]
    asked = set(re.findall(r"^\\getenv \w+ (\w+)$", script, re.MULTILINE))
    assert asked == {"OWNER_PASSWORD", "SITE_PASSWORD", "WORKER_PASSWORD"}
    # Compose would put variables of its own in place of a `$`.
    assert "$" not in script


def test_every_role_gets_its_purposes_at_each_start(document: dict[str, Any]) -> None:
    *shell, script = document["services"]["migrate"]["command"]
    assert shell == ["sh", "-ec"], "the first command that fails must end it"
    migration, *grants = script.splitlines()
    assert migration == "python manage.py migrate --noinput"
    assert all(line.endswith(" --apply") for line in grants)
    assert re.findall(r"ledger_grants --role (\w+)", script) == ["folio_site", "folio_worker"]


# The file .env ---------------------------------------------------------------------------------------------


def test_one_command_makes_all_passwords(tmp_path: Path) -> None:
    made = run_in(tmp_path, compose.passwords_command())
    assert made.returncode == 0, made.stderr
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in file.read_text(encoding="ascii").splitlines())
    assert set(values) == set(SECRETS) - OPTIONAL
    assert len(set(values.values())) == len(values)
    # They go into URLs as they are, and Django wants 50 characters of a key.
    assert all(re.fullmatch("[A-Za-z0-9]{50,}", value) for value in values.values())


def test_it_overwrites_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OWNER_PASSWORD=kept\n", encoding="ascii")
    assert run_in(tmp_path, compose.passwords_command()).returncode != 0
    assert (tmp_path / ".env").read_text(encoding="ascii") == "OWNER_PASSWORD=kept\n"


def run_in(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


# Accounting systems ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["web", "worker"])
def test_the_names_of_accounting_systems_reach_who_looks_at_them(document: dict[str, Any], name: str) -> None:
    service = document["services"][name]
    [mounted] = service["configs"]
    assert service["environment"]["LEDGER_ACCOUNTING_FILE"] == mounted["target"]
    assert document["configs"][mounted["source"]] == {"file": "${ACCOUNTING_FILE:-/dev/null}"}


def test_their_credentials_reach_the_worker_alone(document: dict[str, Any]) -> None:
    files = {name: service["env_file"] for name, service in document["services"].items() if "env_file" in service}
    assert files == {"worker": [{"path": "accounting.env", "required": False}]}


def test_only_the_site_is_reachable_and_only_from_this_machine(document: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in document["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}
