# Everything that a person or CI does with this repository. `make help` lists it.

CARGO      ?= cargo
PYTHON     ?= python3
# Installed once per user, outside the checkout, so that a fresh clone need not fetch it again.
MODELS     ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/backstay/models
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BACKSTAY   := $(TARGET_DIR)/release/backstay
SIM        := $(TARGET_DIR)/release/upstream-sim
# Runs what follows beside a PostgreSQL server of its own, which is installed once per user.
WITH_POSTGRES := $(PYTHON) tests/postgres/run.py
# cargo-nextest runs tests side by side where it is installed; building it would cost minutes.
RUN_TESTS  := $(if $(shell command -v cargo-nextest 2>/dev/null),nextest run,test)

export BACKSTAY_TEST_MODELS := $(MODELS)
export BACKSTAY_BIN         := $(abspath $(BACKSTAY))
export UPSTREAM_SIM_BIN     := $(abspath $(SIM))

.DEFAULT_GOAL := help
.PHONY: help demo run dev build models postgres test lint fmt unit test-postgres test-plain-postgres test-sdk test-kill test-reconcile test-nodes test-documents test-s3 test-demo bench clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

demo: models ## The main job in front of you (ARGS=--exit ends by itself; ARGS=FILE uses your own conversation)
	@$(BACKSTAY) demo $(ARGS)

run: models ## Serve on 127.0.0.1:7460, data under ./data (ARGS='--listen … --data …')
	@$(BACKSTAY) serve $(ARGS)

dev: ## Serve from a quick, unoptimised build with debug logs
	$(CARGO) run -p backstay-cli -- serve --log debug $(ARGS)

build: ## The release binaries
	$(CARGO) build --release --locked -p backstay-cli -p upstream-sim

models: build ## Install the embedding model (all-MiniLM-L6-v2), checksums verified
	@$(BACKSTAY) models pull --folder "$(MODELS)"

postgres: ## Install PostgreSQL with pgvector for tests, checksums verified
	@$(WITH_POSTGRES)

test: lint models unit test-postgres test-plain-postgres test-sdk test-kill test-reconcile test-nodes test-documents test-s3 test-demo ## Everything that CI runs
	@echo "All tests passed."

lint: ## Formatting, and clippy with warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format the code
	$(CARGO) fmt --all

unit: ## Unit, property, contract and server tests (T=name runs the matching ones)
	$(WITH_POSTGRES) $(CARGO) $(RUN_TESTS) --workspace --locked $(T)

test-postgres: ## The server's tests once more, with every server on PostgreSQL (T=name)
	BACKSTAY_TEST_STORE=postgres $(WITH_POSTGRES) $(CARGO) $(RUN_TESTS) -p backstay-server --locked $(T)

test-plain-postgres: ## The store, and the server's memory, where pgvector is not installed: on Debian's PostgreSQL 15 if that is there
	$(WITH_POSTGRES) --without-pgvector $(CARGO) $(RUN_TESTS) -p backstay-store --locked postgres
	BACKSTAY_TEST_STORE=postgres $(WITH_POSTGRES) --without-pgvector $(CARGO) $(RUN_TESTS) -p backstay-server --locked memory::

test-sdk: models ## Real client SDKs in Python and JavaScript against every wire format
	$(PYTHON) tests/sdk/run.py

test-kill: build ## kill -9 under load and while learning loses and doubles nothing (KILLS=1000 is the full run)
	$(PYTHON) tests/chaos/kill.py --kills $(or $(KILLS),15)
	$(PYTHON) tests/chaos/kill.py --kills $(or $(KILLS),15) --learning

test-reconcile: build ## The ledger against the upstream's own charges, while everything goes wrong (REQUESTS=100000 is the full run)
	$(PYTHON) tests/chaos/reconcile.py --requests $(or $(REQUESTS),2000)

test-nodes: build ## Three servers over one PostgreSQL: kill, pause, restart, promote, wrong clocks, jobs, shared limits (ROUNDS=100 is the full run)
	$(PYTHON) tests/chaos/nodes.py --rounds $(or $(ROUNDS),1) --kills $(or $(KILLS),2) --restarts $(or $(RESTARTS),1)

test-s3: build ## Documents in a bucket, over a server of S3's protocol
	$(PYTHON) tests/s3/run.py

test-documents: build ## 500 hostile documents, each in its process within 20 s and 256 MB; a fifth of them through a server (STEP=1: all)
	$(PYTHON) tests/hostile_documents/run.py
	$(PYTHON) tests/hostile_documents/server.py --step $(or $(STEP),5)

test-demo: models ## The demo, which fails unless the right memories are recalled
	@$(BACKSTAY) demo --exit --listen 127.0.0.1:0 --data "$(TARGET_DIR)/demo-test"

bench: build ## Ratios against the floors (B=overhead) or beside other gateways (B=gateways)
	$(CARGO) run --release --locked -p $(or $(B),overhead)-bench -- run --backstay $(BACKSTAY) $(ARGS)

clean: ## Remove what was built and what tests installed
	$(CARGO) clean
	rm -rf .cache tests/sdk/javascript/node_modules
