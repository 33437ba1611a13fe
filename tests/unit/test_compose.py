"""docker-compose.yml: sound by the Compose specification, and safe by our own rules."""

import re
from typing import Any

import pytest

from tests import compose

LONG_RUNNING = ("web", "worker", "beat", "db", "redis")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return compose.load()


def test_follows_the_specification(document: dict[str, Any]) -> None:
    assert compose.problems(document) == []


@pytest.mark.parametrize(
    "service",
    [{"imagine": "a typo"}, {"ports": 3}, {"healthcheck": {"intervall": "3s"}}, {"build": {"zz": 1}}],
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
    assert waits["db"] == waits["redis"] == {"condition": "service_healthy"}


def test_the_migration_waits_for_the_database(document: dict[str, Any]) -> None:
    assert document["services"]["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_volumes_are_named_and_used(document: dict[str, Any]) -> None:
    mounted = {
        mount.partition(":")[0] for service in document["services"].values() for mount in service.get("volumes", [])
    }
    assert mounted == set(document["volumes"]) == {"postgres", "redis", "beat"}


def test_the_image_is_built_inline_for_an_ordinary_user(document: dict[str, Any]) -> None:
    for name in ("migrate", "web", "worker", "beat"):
        lines = document["services"][name]["build"]["dockerfile_inline"].splitlines()
        assert lines[0].startswith("FROM python:3.13-slim")
        assert lines[-1] == "USER folio"


def test_compose_passes_the_dockerfile_on_untouched(document: dict[str, Any]) -> None:
    # Compose would put its own variables in place of a `$`.
    assert "$" not in document["services"]["web"]["build"]["dockerfile_inline"]


def test_no_secret_has_a_default(document: dict[str, Any]) -> None:
    text = compose.FILE.read_text(encoding="utf-8")
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY"):
        used = re.findall(r"(?<!\$)\$\{" + name + r"(.*?)\}", text)
        assert used
        assert all(rest.startswith(":?") for rest in used)


@pytest.mark.parametrize("name", ["migrate", "web", "worker", "beat"])
def test_accounting_systems_reach_every_service_that_reads_the_settings(document: dict[str, Any], name: str) -> None:
    service = document["services"][name]
    [mounted] = service["configs"]
    assert service["environment"]["LEDGER_ACCOUNTING_FILE"] == mounted["target"]
    assert document["configs"] == {mounted["source"]: {"file": "${ACCOUNTING_FILE:-/dev/null}"}}
    assert service["env_file"] == [{"path": "accounting.env", "required": False}]


def test_only_the_site_is_reachable_and_only_from_this_machine(document: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in document["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}
