# What one does here. `make` alone lists it.
SHELL := bash

# One command builds what all the tests need, with one set of features, so that nothing is compiled twice.
BUILD := cargo build --workspace --bins --tests

.PHONY: help demo test setup fmt fmt-check lint doc unit build interop interop-python browser rfc6455 fuzz bench criterion instructions budgets clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: ## build and start the chat; it prints its address (PORT=… and HOST=… choose another)
	@scripts/setup.sh demo
	@cargo run -p example-chat

test: ## everything that CI runs, with its own set-up
	@MAKE=$(MAKE) scripts/test.sh

setup: ## npm and Python packages, and Chromium for the browser test
	@scripts/setup.sh test

fmt: ## format the code
	cargo fmt --all

fmt-check: ## is the code formatted?
	cargo fmt --all --check

lint: ## clippy, no warning allowed
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --lib --no-default-features -- -D warnings

doc: ## the documentation, no warning allowed
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --features testing,typescript

build: ## the crate, the examples, the tests
	$(BUILD)

# What drives the websocket test suite.
KOSOKU := $(CURDIR)/tests/rfc6455/.venv/bin/kosoku

unit: build ## unit, behaviour and doc tests, and the websocket test suite
	@scripts/setup.sh rfc6455
	KOSOKU=$(KOSOKU) cargo test --workspace --lib --bins --tests -- --include-ignored
	cargo test --workspace --doc

interop: build ## the official JavaScript clients against the Rust server, over each transport, in each framework
	@scripts/setup.sh interop
	cd tests/js && node --test --test-reporter=spec interop.test.mjs life.test.mjs api-namespaces.test.mjs api-sockets.test.mjs api-broadcasts.test.mjs recovery.test.mjs sessions.test.mjs engine.test.mjs old.test.mjs msgpack.test.mjs deflate.test.mjs client-files.test.mjs shutdown.test.mjs frameworks.test.mjs typescript.test.mjs

interop-python: build ## python-socketio's clients against the Rust server, over each transport
	@scripts/setup.sh python
	cd tests/python && .venv/bin/python -W ignore::ResourceWarning -m unittest -v

browser: build ## the clients and the chat in headless Chromium (pictures are left in tests/js/out), and websockets over HTTP/2
	@scripts/setup.sh test
	cd tests/js && node --test --test-reporter=spec browser-clients.test.mjs browser.test.mjs http2.test.mjs

# Seconds for each target.
FUZZ_SECONDS ?= 60

fuzz: ## hostile bytes against every decoder, for FUZZ_SECONDS each (60)
	BOLERO_RANDOM_TEST_TIME_MS=$$(($(FUZZ_SECONDS) * 1000)) cargo test --release -p tower-socketio-fuzz -- --test-threads=1

rfc6455: ## alone: the case files of the Autobahn test suite against our websockets; reports are left in target/rfc6455
	@scripts/setup.sh rfc6455
	KOSOKU=$(KOSOKU) cargo test --lib conformance -- --ignored

bench: ## this crate beside floors and other servers; the table and the plot are left in benches/compare (ROUNDS=5)
	@scripts/setup.sh bench
	benches/compare/bench.sh

criterion: ## criterion benches of single parts
	cargo bench

# Of the last commit, if something has changed since, or else of the one before.
BASE ?=

instructions: ## instructions of the hot paths, at another commit (BASE=…) and now, counted by callgrind
	@scripts/setup.sh instructions
	@scripts/instructions.py $(if $(BASE),--base $(BASE))

budgets: ## write down what the hot paths allocate now, in docs/performance.md; the tests keep it
	BUDGETS=write cargo test --quiet --test allocations
	@git diff --stat -- docs/performance.md

clean: ## remove what was built and installed
	cargo clean
	rm -rf benches/compare/rust/target benches/compare/out benches/compare/servers/*/node_modules benches/compare/servers/python/.venv
	rm -rf examples/chat/node_modules tests/js/node_modules tests/js/out tests/python/.venv tests/rfc6455/.venv target/rfc6455
