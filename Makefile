# make try SITE=https://example.org   read a site as it is, show related lists, serve a preview
# make demo   build the sample corpus, show related articles, serve them
# make test   run the tests (small counts); make test-unit: those of a minute; make test-long: those
# that take long, as they kill processes at any moment, fill disks or try histories; .ci/run runs both
PYTHON ?= python3
PIP_ARGS ?=
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_SERVE ?= 1
# Of the service; the demo site takes the next. Left empty: 8000, or free ones if that is taken.
PORT ?=

# Much of a test run is waiting for servers to start: files are run side by side (tests/conftest.py),
# each process with one thread for sums, as threads that wait for a core spin and take it from others.
# The hundreds of processes that tests start read compiled modules.
unexport PYTHONDONTWRITEBYTECODE
PARALLEL ?= --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# What is installed depends on these two files alone.
USE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: help try demo test test-unit test-long test-full lint size wordpress-zip release

help:
	@echo "make try         show a site's related lists: SITE=https://example.org, or a folder"
	@echo "make demo        build the sample corpus, show a related list, serve it (DEMO_SERVE=0: don't serve)"
	@echo "make test        the tests, small counts"
	@echo "make test-unit   the unit tests: no process, no network, under a minute"
	@echo "make test-long   those that take long: kills, full disks, random histories, a day of watching, builds by Ray"
	@echo "make test-full   all tests, the large counts too"
	@echo "make lint        ruff, mypy, import contracts"
	@echo "make wordpress-zip   the plugin for WordPress: dist/alsolike-wordpress.zip"
	@echo "make release     the last commit's wheel, source archive and plugin in dist/: always the same bytes"
	@echo "make size        code lines of each package"
	@echo "Variables: PYTHON=$(PYTHON)  PIP_ARGS='$(PIP_ARGS)'  VENV=$(VENV)  PORT=$(PORT)"

try: $(USE)
	$(BIN)/alsolike try '$(SITE)' $(if $(PORT),--port $(PORT))

demo: $(USE)
	$(BIN)/alsolike demo $(if $(PORT),--port $(PORT)) $(if $(filter 0,$(DEMO_SERVE)),--no-serve)

test: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m "not full and not long"

test-unit: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m "not full" tests/unit

test-long: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m "long and not full"

test-full: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin recommender index service
	$(BIN)/lint-imports

size: $(DEV)
	$(BIN)/python -m benchmarks.size

wordpress-zip: $(USE)
	$(BIN)/python integrations/wordpress/make_zip.py

# From what is committed alone, with its time, so that whoever makes them again gets the same bytes.
release: $(DEV)
	rm -rf dist && mkdir -p dist/source
	git archive HEAD | tar -x -C dist/source
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PIP_CONSTRAINT='$(CURDIR)/constraints.txt' \
		$(BIN)/python -m build --outdir dist dist/source
	$(BIN)/python dist/source/integrations/wordpress/make_zip.py dist/alsolike-wordpress.zip
	rm -r dist/source
	cd dist && sha256sum * > SHA256SUMS

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "alsolike needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch by itself first: asked for by another package, pip may choose a CUDA build of gigabytes.
# One that satisfies the pin is kept.
$(USE): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install $(PIP_ARGS) --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install $(PIP_ARGS) --quiet --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(USE)
	$(BIN)/python -m pip install $(PIP_ARGS) --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
