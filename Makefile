# Everything sets itself up: an environment in .venv, from the exact lock, once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VERSIONS ?= newest
export PATH := $(abspath $(BIN)):$(PATH)

# A torch that fits is kept (a GPU server's, or PyTorch's CPU-only build); else the lock's is installed.
TORCH_FITS := -c 'import importlib.metadata as m, sys; v = m.version("torch").split("."); sys.exit(not (2, 6) <= (int(v[0]), int(v[1])) < (3, 0))' 2>/dev/null

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-versions build verify mutate lab lint clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

# pip, quiet but for a line on each larger download; what goes wrong it says itself
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
LARGE := awk '/(Downloading|Using cached) .*( MB| GB)\)/ {sub(/^ */, "  "); print; fflush()} /^Installing/ {print "  unpacking"; fflush()}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 5))' || { echo "Python 3.11.5 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making the environment in $(VENV): once, some minutes. PyTorch with its GPU libraries is some gigabytes to download;"
	@echo "a PyTorch that is here already is kept if it fits, and the rest is some hundred megabytes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $$($(PYTHON) $(TORCH_FITS) && echo --system-site-packages) $(VENV)
	@set -o pipefail; if $(BIN)/python $(TORCH_FITS); then echo "1 of 3: the PyTorch that is here is kept"; \
	else echo "1 of 3: PyTorch, the largest part"; $(INSTALL) "$$(grep '^torch==' requirements.lock)" | $(LARGE); fi
	@echo "2 of 3: the other packages of requirements.lock"
	@grep -v '^torch==' requirements.lock > $(VENV)/rest.txt
	@set -o pipefail; $(INSTALL) -r $(VENV)/rest.txt | $(LARGE)
	@echo "3 of 3: the course itself"
	@$(INSTALL) --quiet --no-deps --editable . > $(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }
	@touch $@

demo: $(READY) ## grade a small class, show marks, reasons and feedback, train a small model
	@echo "Building source/ and release/ from assignments/; every solution answers its questions first."
	@$(BIN)/course build
	@$(BIN)/course demo

test: $(READY) ## style, types and behaviour, without the slow tests
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n auto -m "not slow"

test-all: $(READY) ## the same with every slow test
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n auto --hypothesis-profile=thorough

test-versions: ## the tests with other versions than the lock's: make test-versions VERSIONS=oldest, or newest
	test -x .venv-$(VERSIONS)/bin/python || $(PYTHON) -m venv .venv-$(VERSIONS)
	.venv-$(VERSIONS)/bin/python -m pip install --quiet --editable '.[test]' $(if $(filter oldest,$(VERSIONS)),-c requirements.oldest)
	PATH=$(abspath .venv-$(VERSIONS)/bin):$$PATH .venv-$(VERSIONS)/bin/python -m pytest -n auto -m "not slow"

lint: $(READY) ## style and types alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

build: $(READY) ## source/ and release/ from assignments/
	$(BIN)/course build

verify: $(READY) ## grade the grader; writes docs/verification.md
	$(BIN)/course verify --output docs/verification.md

mutate: $(READY) ## ask every single edit of the solutions: each must lose marks, or have its reason
	$(BIN)/course mutate

lab: $(READY) ## JupyterLab on the released notebooks
	$(BIN)/jupyter lab release

clean: ## remove the environment and everything generated that git ignores, but not runs/ and the gradebook
	rm -rf $(VENV) demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
