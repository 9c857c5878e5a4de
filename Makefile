# Everything there is to do here. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
PORT ?= 8000
KILLS ?= 25
SEED ?= 1
DATABASES ?= sqlite

# On this machine, unless somebody says otherwise. A server sets its own environment and uses no make.
export DEBUG ?= 1

# What Django's deployment checks look at: the environment of a server, made up.
PRODUCTION := env ENV_FILE=/dev/null DEBUG=0 SECRET_KEY=$$($(PYTHON) -c "import secrets; print(secrets.token_urlsafe(50))") \
	ALLOWED_HOSTS=shop.example.com HSTS_SECONDS=31536000 HSTS_INCLUDE_SUBDOMAINS=1 HSTS_PRELOAD=1 OPENAI_API_KEY=none

.PHONY: help setup demo serve test check bench chaos lock

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with all that is needed (again only when the locks have changed)
	@.ci/environment .venv

demo: setup ## Run the whole product once, with a real model on this machine
	@$(PYTHON) manage.py demo

serve: setup ## The admin at http://127.0.0.1:8000/admin/ with a worker beside it; PORT=… for another port
	@PORT=$(PORT) .ci/serve

test: setup ## All tests: SQLite; PostgreSQL, Redis, Chromium and Python 3.11 where they are there
	@env -u DEBUG .ci/test

check: setup ## Style, types, direction of imports, migrations, Django's own checks
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy .
	@.venv/bin/lint-imports
	@DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) manage.py makemigrations --check --dry-run
	@$(PYTHON) manage.py check
	@$(PRODUCTION) $(PYTHON) manage.py check --deploy

bench: setup ## How quick it is, beside a bare client (takes minutes; not part of the tests)
	@$(PYTHON) -m tests.benchmarks

chaos: setup ## Kill its processes at the worst moments and look at every promise; KILLS=25 SEED=1
	@env -u DEBUG $(PYTHON) -m tests.chaos --kills $(KILLS) --seed $(SEED) --database $(DATABASES)

lock: ## Write requirements/*.txt anew from pyproject.toml
	@.ci/lock
