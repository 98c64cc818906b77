# make run    build, start everything in one process, show pages with data
# make cli    the small command for pipelines alone, target/client/resultsdb-client
# make test   format, lints and all tests
# make bench  figures and their floors
# make bench-versus REF=COMMIT  another commit built beside this one, and both measured in one run
# make upgrade REF=COMMIT  a deployment of another commit, upgraded to this one under load
# make soak HOURS=2  load for hours while weeks begin and end and certificates change; whether anything grows
# make fuzz   hostile bytes for whatever takes bytes of anyone, FUZZ_INPUTS of each kind; `make test` has a short form
# make sbom   what each command is made of, as CycloneDX, in target/sbom
# make advisories  known faults of what is linked; needs the network to reach the advisories' repository
# make chaos  hundreds of random faults under load; what was acknowledged must be shown once
LISTEN ?= 127.0.0.1:8080
DATA_DIR ?= data
FAULTS ?= 260
FUZZ_INPUTS ?= 100000
HOURS ?= 2

.PHONY: run build cli test bench bench-versus upgrade soak fuzz sbom advisories chaos screenshots fetch

run: build
	target/release/resultsdb serve --data-dir $(DATA_DIR) --listen $(LISTEN) --config examples/webkit.toml --demo

build: fetch
	cargo build --release --locked

cli:
	cargo build --profile client --locked -p client

bench: build
	target/release/bench all

# The commit is built below target/versus.
bench-versus: fetch
	scripts/versus.sh $(REF)

upgrade: fetch
	scripts/fetch.sh tests
	scripts/upgrade.sh $(REF)

soak: build
	scripts/fetch.sh tests
	target/release/bench soak --hours $(HOURS)

fuzz:
	cargo run --release --locked -p fuzz -- --inputs $(FUZZ_INPUTS) --threads $$(nproc)

sbom:
	scripts/sbom.sh

advisories:
	scripts/fetch.sh tests
	target/tools/bin/cargo-deny check advisories

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
