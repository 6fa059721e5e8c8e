# make serve    set up everything and serve the demo town on http://localhost:8000
# make serve PHOTOS=FOLDER    the same with a map of your own photos
# make test     set up everything, then style, types, import rules and tests
# make setup    set up the environment in .venv
# make reference    write docs/openapi.json and docs/reference.md anew, which are made of the code

PYTHON ?= python3
# Which faiss: cpu or gpu.
EXTRA ?= cpu
# Where pip gets torch from is pip's own configuration; on Linux the default build brings CUDA along (see docs/weights.md).
TORCH ?= torch==2.13.0
PORT ?= 8000
# A folder of photos that know where they were taken, to serve instead of the demo.
PHOTOS ?=
# For make gpu-wheels: the Python of the machine with the GPU, and packages beside torch's that it has already.
WHEELS_PYTHON ?= 3.12
PRESENT ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready-$(EXTRA)

.DEFAULT_GOAL := help
.PHONY: help setup serve test style types imports tests reference faults bench bench-large gpu gpu-wheels clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo "make faults   the long fault and load tests"
	@echo "make bench    the benchmarks, in a quarter of an hour on two cores; they need the rendered town"
	@echo "make bench-large    those of a million places and of ViT-L"
	@echo "make gpu      what has to be seen on a GPU, in six minutes; needs one"
	@echo "make gpu-wheels     what a machine with a GPU and without a network needs for that, in .wheels"
	@echo "make clean    remove the environment and the demo"

setup: $(READY)

$(READY): pyproject.toml
	@command -v $(PYTHON) > /dev/null || { \
	  echo "There is no $(PYTHON). Placefix needs Python 3.11 or newer; say which: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Placefix needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV) (some minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRA),dev]'
	@touch $@

serve: $(READY)
	@$(BIN)/python -m demo prepare --out .served $(if $(PHOTOS),--photos '$(PHOTOS)')
	@$(BIN)/placefix serve --settings .served/served.toml --port $(PORT)

test: style types imports tests

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	$(BIN)/pytest -m "not faults and not docker" --numprocesses auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder

reference: $(READY)
	$(BIN)/python -m docs.generated

faults: $(READY)
	$(BIN)/pytest -m faults

bench: $(READY)
	$(BIN)/python -m benchmarks all

bench-large: $(READY)
	$(BIN)/python -m benchmarks all --large

gpu: $(READY)
	$(BIN)/python -m benchmarks gpu

gpu-wheels: $(READY)
	$(BIN)/python -m benchmarks gpu-wheels --python $(WHEELS_PYTHON) $(PRESENT:%=--present %)

clean:
	rm -rf $(VENV) .demo .served .wheels .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
