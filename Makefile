# Casework: every command sets up what it needs; run `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
# Python packages, front end and browser install side by side.
MAKEFLAGS += --no-print-directory --no-builtin-rules --jobs=2
.DEFAULT_GOAL := help

PORT ?= 8000
CASEWORK_HOME ?= ./instance
export CASEWORK_HOME
# A test run may name what to run: make test TESTS=tests/unit
TESTS ?= tests

BIN := .venv/bin
# A stamp carries the content of what it stands for, so that a second run does nothing and a changed lock is seen.
content = $(shell cat $(1) 2>/dev/null | sha256sum | cut -c1-16)
RUNTIME := .venv/.runtime-$(call content,requirements.lock pyproject.toml)
DEV := .venv/.dev-$(call content,requirements.lock requirements-dev.lock pyproject.toml)
# To run the product takes less than to work on it.
ifeq ($(filter-out run,$(MAKECMDGOALS)),)
LOCK := requirements.lock
INSTALLED := $(RUNTIME)
else
LOCK := requirements-dev.lock
INSTALLED := $(DEV)
endif
FRONTEND_SOURCES := $(sort $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null))
STATIC := casework/web/static/build
FRONTEND := $(STATIC)/.built-$(call content,$(FRONTEND_SOURCES))
CATALOGS := $(sort $(shell find casework config -name '*.po' 2>/dev/null))
COMPILED := .venv/.catalogs-$(call content,$(CATALOGS))
NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) < 18)' 2>/dev/null && npm --version 2>/dev/null)

.PHONY: help run test check bench fmt catalogs lock clean browser compiled
help: ## list the commands
	@echo 'Casework. Each command sets up what it needs and can be repeated:'
	grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | while IFS=$$'\t' read -r name what; do
	  printf '  make %-10s %s\n' "$$name" "$$what"
	done
	echo 'PORT=8000 and CASEWORK_HOME=./instance choose where `make run` listens and keeps its state.'

$(INSTALLED):
	@tools/install_python.sh $(LOCK)
	rm -f .venv/.runtime-* .venv/.dev-*
	touch $(INSTALLED) $(RUNTIME)

$(FRONTEND): | $(if $(NODE),,$(INSTALLED)) # a machine without Node.js gets one from a Python package
	@tools/build_frontend.sh
	rm -f $(STATIC)/.built-*
	touch $@

$(COMPILED): | $(INSTALLED)
	@$(BIN)/python -m casework.web.catalogs compile
	rm -f .venv/.catalogs-*
	touch $@

compiled: | $(COMPILED)
	@for po in $(CATALOGS); do
	  [ -e "$${po%.po}.mo" ] || { $(BIN)/python -m casework.web.catalogs compile; break; }
	done

run: $(INSTALLED) $(FRONTEND) compiled ## set up, fill an empty home with a synthetic caseload, serve on PORT, print the sign-ins
	@$(BIN)/python tools/check_port.py $(PORT)
	# The mark outlives an interrupted first start, so that the next start fills the home after all.
	if [ -z "$$(ls -A "$$CASEWORK_HOME" 2>/dev/null)" ]; then
	  mkdir -p -m 700 "$$CASEWORK_HOME"
	  touch "$$CASEWORK_HOME/.demo-wanted"
	fi
	$(BIN)/casework init
	# The invented staff's sign-ins are kept for the next start; nobody real ever gets one of these passwords.
	if [ -e "$$CASEWORK_HOME/.demo-wanted" ]; then
	  (umask 077; $(BIN)/casework demo | tee "$$CASEWORK_HOME/demo-sign-ins.txt")
	  rm -f "$$CASEWORK_HOME/.demo-wanted"
	elif [ -e "$$CASEWORK_HOME/demo-sign-ins.txt" ]; then
	  cat "$$CASEWORK_HOME/demo-sign-ins.txt"
	fi
	exec $(BIN)/casework serve --port $(PORT)

browser:
	@tools/find_chromium.sh >/dev/null

test: $(INSTALLED) $(FRONTEND) compiled browser ## set up, then unit, integration (both engines), contract and browser tests
	@CHROMIUM_PATH=$$(tools/find_chromium.sh) $(BIN)/pytest -n auto --dist worksteal $(TESTS)

check: $(INSTALLED) compiled ## format, lint, types, floors, catalogs, migrations, dependencies
	@failed=
	step() {
	  local name=$$1
	  shift
	  printf '\n== %s\n' "$$name"
	  "$$@" || failed="$$failed, $$name"
	}
	step format $(BIN)/ruff format --check --quiet .
	step lint $(BIN)/ruff check .
	step 'house rules' $(BIN)/python tools/lint_house.py
	step types $(BIN)/mypy
	step floors $(BIN)/lint-imports --no-logo
	step catalogs $(BIN)/python -m casework.web.catalogs check
	step migrations tools/lint_migrations.sh
	step dependencies $(BIN)/python tools/check_dependencies.py
	[ -z "$$failed" ] || { printf '\nWrong: %s.\n' "$${failed#, }" >&2; exit 1; }

bench: $(INSTALLED) $(FRONTEND) compiled ## measure what the product promises and print one table
	@$(BIN)/python -m bench

fmt: $(INSTALLED) ## format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

catalogs: $(INSTALLED) ## bring new strings into the catalogs and compile them
	@$(BIN)/python -m casework.web.catalogs update
	$(BIN)/python -m casework.web.catalogs compile

lock: $(INSTALLED) ## pin the newest versions that pyproject.toml allows, with their hashes
	@tools/lock.sh

clean: ## remove what the set-up built; state in CASEWORK_HOME stays
	@rm -rf .venv .tools frontend/node_modules $(STATIC) build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find casework config migrations tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	find casework config -name '*.mo' -delete
