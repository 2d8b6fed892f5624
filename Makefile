# SPDX-License-Identifier: Apache-2.0
# One word a task; each does all set-up itself (scripts/bootstrap.py: seconds when there is none).
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench format clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

setup:
	@$(PYTHON) scripts/bootstrap.py $(if $(filter file,$(origin PYTHON)),,--exact-python)

demo: setup ## the whole system on this machine (options: ARGS="...")
	@$(BIN)/coinfer demo $(ARGS)

test: setup ## every test (options for pytest: ARGS="...")
	$(BIN)/pytest $(ARGS)

check: setup ## format, lint, types and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not ros and not slow"

bench: setup ## measure speed and size
	@$(BIN)/python bench/run.py $(ARGS)

format: setup ## rewrite the files in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and everything built
	rm -rf .venv build
