# A fresh machine with python3 (3.11+), make and git needs nothing else: every target sets up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: atlas test test-sympy bench lint figures notebooks referee clean setup

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

# Executes the notebooks and keeps them with their outputs.
notebooks: .venv-notebooks/.ready $(READY)
	.venv-notebooks/bin/jupytext --quiet --to ipynb notebooks/*.py
	.venv-notebooks/bin/jupyter-nbconvert --log-level ERROR --to notebook --execute --inplace notebooks/*.ipynb
	$(BIN)/ruff format --quiet notebooks

# The referee's whole report (some eight minutes on two cores; goes on where it was interrupted).
referee: $(READY)
	$(BIN)/phases check --all --out figures/referee || [ $$? = 1 ]

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

.venv-notebooks/.ready: requirements-notebooks.txt pyproject.toml
	$(PYTHON) -m venv .venv-notebooks
	.venv-notebooks/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-notebooks.txt -e .
	touch $@

clean:
	rm -rf $(VENV) .venv-rivals .venv-notebooks atlas .pytest_cache .mypy_cache .ruff_cache .hypothesis
