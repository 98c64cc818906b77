# make run    build, start everything in one process, show pages with data
# make cli    the small command for pipelines alone, target/client/resultsdb-client
# make test   format, lints and all tests
# make bench  figures and their floors
# make chaos  hundreds of random faults under load; what was acknowledged must be shown once
LISTEN ?= 127.0.0.1:8080
DATA_DIR ?= data
FAULTS ?= 260

.PHONY: run build cli test bench chaos screenshots fetch

run: build
	target/release/resultsdb serve --data-dir $(DATA_DIR) --listen $(LISTEN) --config examples/webkit.toml --demo

build: fetch
	cargo build --release --locked

cli:
	cargo build --profile client --locked -p client

bench: build
	target/release/bench all

# Each fault takes about a second in one process and three on Kafka.
chaos: build
	scripts/fetch.sh tests
	CHAOS_FAULTS=$(FAULTS) cargo test --release --locked -p resultsdb --test chaos -- --nocapture --test-threads=1

screenshots: build
	node query/browser/screenshots.mjs screenshots

test:
	scripts/fetch.sh tests
	scripts/test.sh

fetch:
	scripts/fetch.sh
