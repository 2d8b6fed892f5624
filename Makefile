# SPDX-License-Identifier: Apache-2.0
# One word a task; each does all set-up itself (scripts/bootstrap.py: seconds when there is none).
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

# --pyargs takes the examples in docstrings from the installed package: in the source tree it has
# no messages, and importing it from there would hide the one that has.
PYTEST := $(BIN)/pytest --pyargs --doctest-ignore-import-errors
# Tests that start no node and take no core for long run on all cores; the others one at a time.
FAST := -n auto -m "not ros and not slow"

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench format clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

setup:
	@$(PYTHON) scripts/bootstrap.py $(if $(filter file,$(origin PYTHON)),,--exact-python)

demo: setup ## the whole system on this machine (options: ARGS="...")
	@$(BIN)/coinfer demo $(ARGS)

test: setup ## every test (or those in ARGS="test/core -x")
ifdef ARGS
	$(PYTEST) $(ARGS)
else
	$(PYTEST) $(FAST) ./test coinfer_ros
	$(PYTEST) -m "ros or slow" ./test
endif

check: setup ## format, lint, types and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) $(FAST) ./test coinfer_ros.core

bench: setup ## measure speed and size
	@$(BIN)/python bench/run.py $(ARGS)

format: setup ## rewrite the files in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything built
	rm -rf .venv build
