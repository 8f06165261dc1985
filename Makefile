# The commands of the house. `make demo` and `make test` do all set-up themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRAINING_VENV := .venv-training
HOME_FOLDER ?= siteproof-home
PIP_FLAGS := --disable-pip-version-check --no-input
CODE := analysis api domain findings geofence ingestion iot runtime storage vision tests benchmarks web/hatch_build.py

.PHONY: help demo test check test-training test-timescale test-real pages lock openapi schema clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s '	' 2>/dev/null || true

# --- set-up -------------------------------------------------------------------------------------------------------

$(BIN)/python:
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "the module venv is missing (Debian: apt-get install python3-venv)"; exit 1; }

$(VENV)/.base: requirements/base.lock pyproject.toml $(wildcard web/*.json web/*.html web/*.ts web/src/* web/src/*/*) | $(BIN)/python
	@echo "== installing what Siteproof needs (about 280 MB to download, 960 MB on disk, some minutes)"
	@$(BIN)/pip install $(PIP_FLAGS) --progress-bar on --require-hashes -r requirements/base.lock
	@echo "== installing Siteproof, and building its pages"
	@$(BIN)/pip install $(PIP_FLAGS) --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.base
	@echo "== installing the tools of the developers"
	@$(BIN)/pip install $(PIP_FLAGS) --quiet --require-hashes -r requirements/dev.lock
	@touch $@

# --- what people run ----------------------------------------------------------------------------------------------

demo: $(VENV)/.base ## a sample village road and bridge, running, with pages, findings and readings
	@$(BIN)/siteproof up --demo --home $(HOME_FOLDER)

test: $(VENV)/.dev ## all tests that need no GPU, no torch and no data from elsewhere
	@sh tests/install_system_packages.sh
	@$(BIN)/pytest

check: $(VENV)/.dev ## lint, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python web/hatch_build.py check

$(TRAINING_VENV)/.ready: requirements/training.lock pyproject.toml
	@echo "== installing torch and ultralytics into $(TRAINING_VENV)"
	@$(PYTHON) -m venv $(TRAINING_VENV)
	@$(TRAINING_VENV)/bin/pip install $(PIP_FLAGS) --quiet --require-hashes -r requirements/training.lock
	@# torch has builds that differ by machine, so it has a version and no hash; ultralytics without its torchvision.
	@$(TRAINING_VENV)/bin/pip install $(PIP_FLAGS) --quiet torch==2.13.0
	@$(TRAINING_VENV)/bin/pip install $(PIP_FLAGS) --quiet --no-deps ultralytics==8.4.190 ultralytics-thop==2.2.3
	@touch $@

test-training: $(TRAINING_VENV)/.ready ## the training tests, with torch and ultralytics, on a few images
	@$(TRAINING_VENV)/bin/python -m pytest tests/training

test-timescale: $(VENV)/.dev ## storage and sensors on a real TimescaleDB: SITEPROOF_TEST_DATABASE_URL=postgresql://...
	@test -n "$$SITEPROOF_TEST_DATABASE_URL" || { echo "give SITEPROOF_TEST_DATABASE_URL of a PostgreSQL with TimescaleDB"; exit 1; }
	@$(BIN)/pytest tests/integration/storage tests/integration/iot

test-real: $(VENV)/.dev ## real photos of a folder: SITEPROOF_REAL_DATA=../shared/data
	@SITEPROOF_REAL_DATA=$${SITEPROOF_REAL_DATA:-../shared/data} $(BIN)/pytest tests/real -s

# --- what developers run ------------------------------------------------------------------------------------------

pages: $(VENV)/.base ## the pages, built into api/static
	@$(BIN)/pip install $(PIP_FLAGS) --quiet --no-deps --editable .

openapi: $(VENV)/.dev ## openapi.json, after a change of a route
	@$(BIN)/python -m tests.architecture.test_openapi

schema: $(VENV)/.dev ## the snapshot of the database's schema, after a migration
	@$(BIN)/python -m tests.architecture.test_schema

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: ## requirements/*.lock, after a change of a dependency (needs uv)
	$(COMPILE) pyproject.toml -o requirements/base.lock
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) pyproject.toml requirements/training.in -o requirements/training.lock

clean: ## everything that was made here
	rm -rf $(VENV) $(TRAINING_VENV) api/static web/node_modules build dist .mypy_cache .ruff_cache .pytest_cache
