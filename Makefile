# Each target sets up what it needs: python3 (3.11 or later, with venv) and make are enough.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?= python3
UV ?= uv
BIN := .venv/bin
PACKAGES := config payments sagas audit simulators
ARGS ?=

.PHONY: help
help: ## Show this list
	@echo "make <target>:"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-9s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/installed ## Run payments through killed workers, then prove the books (ONCE=1: and exit)
	@$(BIN)/python manage.py demo $(if $(filter-out 0,$(ONCE)),--once) $(ARGS)

.PHONY: test
test: .venv/installed ## Run all tests on an embedded PostgreSQL (ARGS="-k transfer" passes options to pytest)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: .venv/installed ## Check style, types, layers and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy manage.py $(PACKAGES) tests
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: format
format: .venv/installed ## Format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: install
install: .venv/installed ## Install the locked dependencies into .venv (the other targets do it by themselves)

.PHONY: lock
lock: ## Lock the dependencies of pyproject.toml anew (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 1; }
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --extra embedded --extra dev --output-file requirements-dev.lock

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

.PHONY: reset
reset: .venv/installed ## Stop the embedded PostgreSQL and remove all data in .data, without asking
	@$(BIN)/python -m config.embedded destroy

.PHONY: clean
clean: ## Remove what the tools cached (not .venv, not the data in .data)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when the lock changes. The stamp comes last: what was interrupted is done again.
.venv/installed: requirements-dev.lock
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.11 or later, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); 3.11 or later is needed: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks venv: install it first (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making .venv ..."; $(PYTHON) -m venv --clear .venv; }
	@echo "Installing $$(grep -c '^[a-z]' $<) locked packages into .venv: about half a minute, 460 MB, this once ..."
	@start=$$(date +%s); \
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes --only-binary=:all: -r $< && \
	echo "Installed in $$(($$(date +%s) - start)) s."
	@touch $@
