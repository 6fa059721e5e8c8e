# make serve    set up everything and serve the demo town on http://localhost:8000
# make serve PHOTOS=FOLDER    the same with a map of your own photos
# make test     set up everything, then style, types, import rules and tests
# make setup    set up the environment in .venv
# make docs     build the site of the documents, in .site
# make reference    write docs/openapi.json and docs/reference.md anew, which are made of the code

PYTHON ?= python3
# Which faiss: cpu or gpu.
EXTRA ?= cpu
# Where pip gets torch from is pip's own configuration; on Linux the default build brings CUDA along (see docs/weights.md).
# TORCH='torch==2.13.0 --index-url ADDRESS' takes another.
TORCH ?= --requirement constraints/torch.txt
# Anything here takes the newest versions that pyproject.toml allows, instead of those of constraints/.
NEWEST ?=
PORT ?= 8000
# A folder of photos that know where they were taken, to serve instead of the demo.
PHOTOS ?=
# For make gpu-wheels: the Python of the machine with the GPU, and packages beside torch's that it has already.
WHEELS_PYTHON ?= 3.12
PRESENT ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready-$(EXTRA)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := constraints/$(EXTRA).txt constraints/dev.txt
ORDINARY := not faults and not docker and not cluster

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-newest style types imports tests coverage wheel reference docs notice constraints faults \
  audit cluster bench bench-large gpu gpu-wheels clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo "make coverage      the tests, and which lines and branches they reach"
	@echo "make test-newest   the tests with the newest version of everything, in .venv-newest"
	@echo "make wheel    the wheel, in dist"
	@echo "make constraints   take newer versions of everything into constraints/, and licences into NOTICE"
	@echo "make audit    look for known holes in all libraries of constraints/; needs pipx and a network"
	@echo "make faults   the long fault and load tests"
	@echo "make cluster  the tests that need Ray or an S3 server, in .venv-cluster"
	@echo "make bench    the benchmarks, in a quarter of an hour on two cores; they need the rendered town"
	@echo "make bench-large    those of a million places and of ViT-L"
	@echo "make gpu      what has to be seen on a GPU, in six minutes; needs one"
	@echo "make gpu-wheels     what a machine with a GPU and without a network needs for that, in .wheels"
	@echo "make clean    remove the environment and the demo"

setup: $(READY)

# The hashes of all but torch are checked. Torch comes after the needs of all its builds, and brings the needs of its own build.
$(READY): pyproject.toml $(LOCKED) constraints/torch.txt
	@command -v $(PYTHON) > /dev/null || { \
	  echo "There is no $(PYTHON). Placefix needs Python 3.11 to 3.14; say which: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
	  echo "Placefix needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV) (some minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
ifeq ($(NEWEST),)
	@$(PIP) install --no-deps --require-hashes $(LOCKED:%=--requirement %)
	@$(PIP) install $(TORCH)
	@$(PIP) install --no-deps --no-build-isolation --editable .
else
	@$(PIP) install $(TORCH)
	@$(PIP) install --upgrade --upgrade-strategy eager --editable '.[$(EXTRA),dev]'
endif
	@$(PIP) check
	@touch $@

serve: $(READY)
	@$(BIN)/python -m demo prepare --out .served $(if $(PHOTOS),--photos '$(PHOTOS)')
	@$(BIN)/placefix serve --settings .served/served.toml --port $(PORT)

test: style types imports tests

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m docs.prose

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	$(BIN)/pytest -m "$(ORDINARY)" --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

coverage: $(READY)
	$(BIN)/pytest -m "$(ORDINARY)" --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
	  --cov --cov-report=term:skip-covered

test-newest:
	@$(MAKE) test VENV=.venv-newest NEWEST=yes

wheel: $(READY)
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

reference: $(READY)
	$(BIN)/python -m docs.generated

docs: $(READY)
	$(BIN)/python -m docs.site

notice: $(READY)
	$(BIN)/python -m docs.notice

constraints: $(READY)
	$(PIP) install 'uv>=0.13.9'
	$(BIN)/python -m constraints.lock
	@$(MAKE) notice

audit:
	@for file in constraints/cpu.txt constraints/gpu.txt constraints/heif.txt constraints/cluster.txt constraints/dev.txt \
	  constraints/s3_server.txt; do \
	  echo "$$file"; pipx run pip-audit --strict --require-hashes --disable-pip --requirement "$$file" || exit 1; done

faults: $(READY)
	$(BIN)/pytest -m faults --hypothesis-profile=thorough

cluster:
	@$(MAKE) setup VENV=.venv-cluster LOCKED='$(LOCKED) constraints/cluster.txt'
	@$(PYTHON) -m venv .venv-cluster/s3-server
	@.venv-cluster/s3-server/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes \
	  --requirement constraints/s3_server.txt
	PATH="$$PATH:$$PWD/.venv-cluster/s3-server/bin" .venv-cluster/bin/pytest -m cluster

bench: $(READY)
	$(BIN)/python -m benchmarks all

bench-large: $(READY)
	$(BIN)/python -m benchmarks all --large

gpu: $(READY)
	$(BIN)/python -m benchmarks gpu

gpu-wheels: $(READY)
	$(BIN)/python -m benchmarks gpu-wheels --python $(WHEELS_PYTHON) $(PRESENT:%=--present %)

clean:
	rm -rf .venv .venv-newest .venv-cluster dist build .demo .served .site .wheels .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
