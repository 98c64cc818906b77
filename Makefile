# make run    build, start everything in one process, show pages with data
# make test   format, lints and all tests
# make bench  figures and their floors
LISTEN ?= 127.0.0.1:8080
DATA_DIR ?= data

.PHONY: run build test bench screenshots fetch

run: build
	target/release/resultsdb serve --data-dir $(DATA_DIR) --listen $(LISTEN) --config examples/webkit.toml --demo

build: fetch
	cargo build --release --locked

bench: build
	target/release/bench all

screenshots: build
	node query/browser/screenshots.mjs screenshots

test:
	scripts/fetch.sh tests
	scripts/test.sh

fetch:
	scripts/fetch.sh
