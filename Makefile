# `make` lists what there is to do. Everything that a target needs is set up on the first run: git and tmux by
# tools/bootstrap.sh, Python packages from requirements.lock into .venv. Written for GNU make 3.81 (macOS) and later.

VENV ?= .venv
BIN := $(VENV)/bin
# Workers of the test run. Each test makes its own state directory, tmux server and repositories, so they do not meet.
# `auto` is one more than there are cores (tests/conftest.py). Whoever is done helps those who are not.
PYTEST_WORKERS ?= auto
# A test run starts hundreds of interpreters: none of them compiles again what another one has compiled.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo demo-github test test-slow test-vendors vendors check fmt types bench screenshots recording docs lock clean

# An environment whose interpreter has gone (a Python upgrade) is set up anew, though its stamps are there.
$(shell test -x $(BIN)/python || rm -f $(VENV)/.system $(VENV)/.locked $(VENV)/.ready)

help: ## Show this list
	@echo "fleet: a control room for a fleet of AI coding agents. Start with: make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Install everything into .venv (the other targets do it by themselves)

demo: $(VENV)/.ready ## Open the control room on a fleet of scripted agents; needs no account and costs nothing
	@$(BIN)/fleet demo

demo-github: $(VENV)/.ready ## Play the story without a room, on a stand-in GitHub through the real gh, and check the outcome
	@$(BIN)/python tools/demo_github.py

PYTEST := $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --maxprocesses 4 --dist worksteal

test: $(VENV)/.ready ## Run the tests, without the slow ones (end to end, faults, packages)
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.ready ## Run the slow tests, and properties on all their examples; CI runs both
	FLEET_ALL_EXAMPLES=1 $(PYTEST) -m "(slow or hypothesis) and not vendor"

test-vendors: vendors ## Run the tests with vendors' real programs against stand-in models; CI runs them too
	$(PYTEST) -m vendor

vendors: $(VENV)/.ready ## Install vendors' programs (Claude Code, Codex, ...) for those tests, into .vendors
	@sh tools/bootstrap.sh --npm
	@$(BIN)/python tools/vendors.py .vendors

check: $(VENV)/.ready ## Lint, formatting, types, import rules, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/docs.py --check

fmt: $(VENV)/.ready ## Format the code and fix what can be fixed safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.ready ## Check types only
	$(BIN)/mypy

bench: $(VENV)/.ready ## Run the benchmarks and print their figures
	@set -e; for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

screenshots: $(VENV)/.ready ## Draw the pictures of the README anew from the demo fleet
	$(BIN)/python tools/screenshots.py

recording: $(VENV)/.ready ## Record docs/story.cast anew from a demo fleet (about two minutes)
	$(BIN)/python tools/record_story.py

docs: $(VENV)/.ready ## Write the generated documents anew (events, configuration, keys)
	$(BIN)/python tools/docs.py

lock: $(VENV)/.system ## Resolve requirements.lock anew (UPGRADE=1 takes newer versions)
	sh tools/lock.sh $(BIN)/python

clean: ## Remove the virtual environment, caches and build results
	rm -rf $(VENV) .vendors dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.system: tools/bootstrap.sh
	@sh tools/bootstrap.sh $(VENV)
	@touch $@

$(VENV)/.locked: requirements.lock $(VENV)/.system
	@echo "fleet setup: installing the locked packages into $(VENV) (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# Without build isolation the build uses the locked, hash-checked hatchling instead of fetching one.
$(VENV)/.ready: pyproject.toml $(VENV)/.locked
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "fleet setup: done. $(BIN)/fleet is the command; make demo shows it at work"
	@touch $@
