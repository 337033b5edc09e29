# Everything a newcomer needs: `make serve` and `make test` do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
# A test against real servers and clocks gets a second try on a busy machine; each is named at the end (-rR).
PYTEST := $(BIN)/python -m pytest -q -rR --reruns 1 --reruns-delay 2
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev

SERVERS := tests/effects/a2a tests/effects/asyncapi tests/effects/container tests/effects/mcp tests/servers_test.py \
	tests/stores/sql/restart_test.py

.PHONY: serve test test-servers test-heavy lint soak bench clean install

install: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flowrt needs Python 3.11 or later: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(STAMP): $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	$(BIN)/python -m compileall -q flowrt  # as pip does with an installation that is not editable
	@touch $@

$(STAMP_DEV): $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[all,dev]'
	$(BIN)/python -m compileall -q flowrt
	@touch $@ $(STAMP)

serve: $(STAMP)  ## Serve workflows/ on the file store, http://127.0.0.1:8080
	$(BIN)/flowrt serve workflows

lint: $(STAMP_DEV)  ## ruff and the strict type checker
	$(BIN)/ruff check flowrt tests benchmarks
	$(BIN)/ruff format --check flowrt tests benchmarks
	$(BIN)/mypy

test: lint  ## Linters, then every test but those of test-servers and test-heavy
	$(PYTEST) -n $(WORKERS) --dist loadscope -m "not (heavy or soak or servers)" tests \
		$(addprefix --ignore=,$(SERVERS))

test-servers: $(STAMP_DEV)  ## Tests against agents, brokers, container engines, proxies, clusters, a browser; databases killed under load
	$(PYTEST) -m "not (heavy or soak)" $(SERVERS)
	$(PYTEST) -m "servers and not (heavy or soak)" tests/stores tests/ui

test-heavy: test-servers  ## Those of test-servers, and tests whose servers need a JVM or a Go build
	$(PYTEST) -m "heavy and not soak" tests

soak: $(STAMP_DEV)  ## Long runs: 10,000 simulated programs, kill -9 on every store
	FLOWRT_SOAK=1 $(BIN)/python -m pytest -q tests/simulation tests/expressions tests/schema_test.py tests/soak

bench: $(STAMP_DEV)  ## Prints the figures of benchmarks/
	$(BIN)/python benchmarks/engine.py

clean:
	rm -rf $(VENV) build dist *.egg-info
