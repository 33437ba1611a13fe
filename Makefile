# Everything runs from .venv, which any target that needs it sets up by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo admin up test test-homes live lint format bench storm mutants docs build clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## set up .venv (the other targets do it by themselves)

$(INSTALLED): pyproject.toml tests/constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Folio needs Python 3.11 or newer, and %s is %d.%d: make PYTHON=python3.11 …" % (sys.executable, v[0], v[1]))'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt --editable '.[dev]'
	@touch $@

demo: $(INSTALLED) ## the main job on real numbers: adopt, issue, void, verify
	$(BIN)/python manage.py demo --settings tests.demo.settings

admin: $(INSTALLED) ## the admin site on what the demo left behind
	$(BIN)/python manage.py admin_site --settings tests.demo.settings

up: $(INSTALLED) ## everything on this machine: PostgreSQL, Redis, site, worker, beat
	$(BIN)/python manage.py up $(ARGS)

# Two processes, each with an embedded PostgreSQL of its own; a server of yours is asked by one, since some tests look at
# all that it does. The files come in the order of tests/ordering.py.
test: $(INSTALLED) ## all tests, on an embedded PostgreSQL unless DATABASE_URL names one
	$(BIN)/python -m pytest $(if $(DATABASE_URL),,--numprocesses=2 --dist=loadfile --no-loadscope-reorder) $(ARGS)

# Where the server has Citus, the homes are schemas that it distributes.
test-homes: $(INSTALLED) ## the tests of several homes, on two embedded servers or on the one that DATABASE_URL names
	$(BIN)/python -m pytest tests/homes $(ARGS)

# Each of these tests is long and stands alone, so they are dealt out one by one.
live: $(INSTALLED) ## the tests that take minutes: other Pythons, the newest Django, each extra by itself
	$(BIN)/python -m pytest -m live $(if $(DATABASE_URL),,--numprocesses=2 --dist=worksteal) $(ARGS)

lint: $(INSTALLED) ## ruff, mypy, docker-compose.yml
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.compose

format: $(INSTALLED) ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## speed against django-sequences and pgbench
	$(BIN)/python -m tests.benchmarks

# An hour: make storm SECONDS=3600. The same faults again: make storm SEED=… with the SECONDS of that run.
SECONDS ?= 60
storm: $(INSTALLED) ## kills, crashes and cut connections for SECONDS (60), then every rule checked
	$(BIN)/python -m tests.storm --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: $(INSTALLED) ## break the code on purpose, and see that a test notices
	$(BIN)/python -m tests.mutants

docs: $(INSTALLED) ## the documentation as a site, in build/docs; any warning is an error
	rm -rf build/docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env --doctree-dir build/doctrees docs build/docs
	@echo 'Open build/docs/index.html'

build: $(INSTALLED) ## the wheel, in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## stop the embedded servers and remove all that was made
	@if [ -x $(BIN)/python ] && [ -f ledger/__init__.py ]; then $(BIN)/python -m ledger.site.embedded stop || true; fi
	rm -rf $(VENV) .folio .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
