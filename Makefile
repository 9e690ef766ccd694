# Trainyard: `make demo` shows it all on examples/, `make test` runs every test.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Each takes a core and up to 2 GB.
TEST_WORKERS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? cores : 4)))
export TRAINYARD_HOME ?= $(CURDIR)/.trainyard

.PHONY: demo test lint format install clean up
.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

.venv/.installed: pyproject.toml constraints.txt
	@echo "Installing into .venv (about 6.5 GB, most of it torch; a few minutes the first time) ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Trainyard needs Python 3.11 or newer: set PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[transfer,vision,ocr,dask,s3,server,dev]'
	@touch $@

install: .venv/.installed ## create .venv from the pinned constraints

demo: install ## run the whole pipeline on examples/: a grader, and a classifier of digits
	@$(BIN)/python examples/demo.py

up: install ## open the MLflow and Prefect pages on what the demo did
	@$(BIN)/trainyard up

test: install ## run all tests, on a real PostgreSQL and a real Prefect server too
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal

lint: install ## ruff, mypy --strict and the layer rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## let ruff format and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and what the demo made
	rm -rf .venv .trainyard
