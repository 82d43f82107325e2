# gym-llm: two commands set everything up from a fresh clone.
#
#   make demo    install the light base package into .venv and run the main job: no key, no network
#   make test    install the development tools too, and run the tests
#   make check   everything CI runs: lint, format, types, floors, spelling, tests
#
# Only make and Python >= 3.11 are needed; uv is used when it is there. PYTHON=/path/to/python chooses one.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
TESTS ?=
PYTEST_WORKERS ?= auto

FIND_PYTHON = for candidate in "$(PYTHON)" python3 python3.13 python3.12 python3.11; do \
	[ -n "$$candidate" ] || continue; \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$candidate"; exit 0; }; \
	done; \
	echo "No Python >= 3.11 found. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1

# Installs $(1) into the virtual environment: with uv when it is there, with the environment's own pip otherwise.
INSTALL = if uv --version >/dev/null 2>&1; then uv pip install --quiet --python "$(BIN)/python" $(1); else \
	"$(BIN)/python" -m pip --version >/dev/null 2>&1 || "$(BIN)/python" -m ensurepip --upgrade >/dev/null; \
	"$(BIN)/python" -m pip install --quiet --no-compile --disable-pip-version-check $(1); fi

.PHONY: help demo install test check lint types floors spelling format docs clean

help:
	@sed -n '3,7s/^# \{0,2\}//p' Makefile

$(BIN)/python:
	@python="$$($(FIND_PYTHON))"; echo "Creating $(VENV) with $$("$$python" --version)"; \
	if ! "$$python" -m venv "$(VENV)" >/dev/null 2>&1; then \
		rm -rf "$(VENV)"; \
		uv venv --quiet --python "$$python" "$(VENV)" 2>/dev/null || { \
			echo "Cannot create $(VENV): $$python lacks the venv module (on Debian: apt-get install python3-venv)" >&2; \
			exit 1; }; \
	fi

$(VENV)/.base: pyproject.toml | $(BIN)/python
	@echo "Installing gym-llm into $(VENV)"; $(call INSTALL,-e .); touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing gym-llm and its development tools into $(VENV)"; $(call INSTALL,-e '.[dev]'); touch $@ $(VENV)/.base

install: $(VENV)/.base

demo: $(VENV)/.base
	@$(BIN)/gym-llm collect MCQA num_repeats=4

test: $(VENV)/.dev
	@PATH="$(abspath $(BIN)):$$PATH" python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(TESTS)

check: lint types floors spelling test

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

floors: $(VENV)/.dev
	@$(BIN)/lint-imports

spelling: $(VENV)/.dev
	@$(BIN)/codespell

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev
	@$(BIN)/python -m gym_llm.cli.page > docs/command-line.md
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) .venvs build dist
