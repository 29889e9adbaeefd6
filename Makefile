# Two commands: `make demo` runs the main job on real data, `make test` passes the tests.
# Each sets up what it needs in .venv the first time and does no set-up work again.
PYTHON ?= python3
BIN    := .venv/bin
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check lock peers clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo    forecast, outlook, recommendations and a report on 1.47 million real purchases
demo: .venv/.demo
	$(BIN)/foretide demo

## make test    all tests
test: .venv/.dev
	$(BIN)/pytest -n auto --dist loadfile

## make check   style, types and the import rules
check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make lock    resolve the locks again (needs uv)
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --extra demo pyproject.toml -o requirements/demo.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --extra dev pyproject.toml -o requirements/dev.txt
	echo torch | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --excludes - requirements/peers.in -o requirements/peers.txt

## make peers   the libraries that benchmarks/ compares with, in .venv-peers
peers: .venv-peers/.done

## make clean   remove the set-up and the demo
clean:
	rm -rf .venv .venv-peers demo

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "foretide needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/.demo: requirements/demo.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements/demo.txt
	$(BIN)/pip install -q --no-deps -e .
	touch $@

.venv/.dev: requirements/dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/pip install -q --no-deps -e .
	touch $@ .venv/.demo

# torch by itself, as the build differs by machine; with it there, --no-deps leaves the lock's list complete.
.venv-peers/.done: requirements/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q torch==2.13.0
	.venv-peers/bin/pip install -q --no-deps --require-hashes -r requirements/peers.txt
	touch $@
