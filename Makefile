# Each target sets up what it needs: Debian packages when run by root, the virtual environment .venv, the locked
# Python packages. When all of that is there nothing is installed and no network is used.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
PYTHON := $(BIN)/python
CODE := $(wildcard appliance drivers hil bench tests docs/generate.py)
ARGS ?=

.PHONY: help
help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

.PHONY: demo
demo: setup ## a whole call through a box of its own: recorded, exported, checked
	@$(PYTHON) -m appliance.cli demo $(ARGS)

.PHONY: test
test: setup ## all tests; ARGS="-k writer" for some
	@$(PYTHON) -m pytest $(ARGS)

.PHONY: check
check: setup ## format, lint, types, order of imports, generated pages
	@step() { echo "check: $$*"; $(PYTHON) -m "$$@"; }
	step ruff format --check $(CODE)
	step ruff check $(CODE)
	step mypy $(CODE)
	echo "check: order of imports"
	$(BIN)/lint-imports --no-logo
	echo "check: generated pages"
	$(PYTHON) docs/generate.py --check

.PHONY: hil
hil: setup ## tests against kernel sound cards and spans, in the virtual rig
	@config/debian-packages.sh debian-packages-rig.txt
	$(PYTHON) -m hil.rig test $(ARGS)

.PHONY: bench
bench: setup ## figures: calls, lost frames, CPU, memory, delays
	@for script in bench/[a-z]*.py; do echo "== $$script"; $(PYTHON) "$$script" $(ARGS); done

.PHONY: format
format: setup ## put the code into its one form
	@$(PYTHON) -m ruff format $(CODE)
	$(PYTHON) -m ruff check --fix $(CODE)

.PHONY: docs
docs: setup ## write the generated pages and the sample settings anew
	@$(PYTHON) docs/generate.py

.PHONY: lock
lock: setup ## choose the newest versions that pyproject.toml allows
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(PYTHON) -m uv pip compile pyproject.toml --all-extras --group dev \
		--universal --python-version 3.11 --generate-hashes --no-annotate --upgrade --quiet \
		--output-file config/requirements.lock

.PHONY: clean
clean: ## remove what the targets left, but for .venv
	@rm -rf build dist demo .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------------------------

.PHONY: setup
setup: debian-packages .venv/.installed

.PHONY: debian-packages
debian-packages:
	@config/debian-packages.sh

# The interpreter is looked for only now: it may have been installed a moment ago.
.venv/.created: | debian-packages
	@for python in python3.11 python3 python3.13 python3.12; do
		if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
			echo "setup: virtual environment with $$("$$python" --version)"
			"$$python" -m venv .venv
			touch $@
			exit 0
		fi
	done
	echo "setup: needs Python 3.11 or newer with venv (Debian 12: apt install python3-venv)" >&2
	exit 1

.venv/.locked: config/requirements.lock .venv/.created
	@echo "setup: locked packages"
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

.venv/.installed: pyproject.toml .venv/.locked
	@echo "setup: linetap"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTHON) -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	touch $@
