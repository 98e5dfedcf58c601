# A fresh machine with python3 (3.11+), make and git needs nothing else: every target sets up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: atlas test test-sympy bench lint figures clean setup

atlas: $(READY)
	$(BIN)/phases atlas --out atlas

test: $(READY)
	$(BIN)/python -m pytest

test-sympy: $(READY)
	PHASES_NO_FLINT=1 SYMPY_GROUND_TYPES=python $(BIN)/python -m pytest -m "not benchmark and not slow"

bench: $(READY) .venv-rivals/.ready
	$(BIN)/python -m pytest tests/benchmarks -m benchmark -s -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

figures: $(READY)
	$(BIN)/python figures/build.py

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'expected Python 3.11 or newer, found ' + sys.version.split()[0])"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv-rivals/.ready: requirements-rivals.txt
	$(PYTHON) -m venv .venv-rivals
	.venv-rivals/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-rivals.txt
	touch $@

clean:
	rm -rf $(VENV) .venv-rivals atlas .pytest_cache .mypy_cache .ruff_cache .hypothesis
