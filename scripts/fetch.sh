#!/usr/bin/env bash
# Fetches what the build and the tests need beside crates; what is there already is not asked for again.
set -euo pipefail
cd "$(dirname "$0")/.."

# rdkafka builds librdkafka from source: a C++ compiler, make, CMake and OpenSSL; and Kafka itself for the tests: Java and
# Maven.
missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v cmake >/dev/null || missing+=(cmake)
command -v pkg-config >/dev/null || missing+=(pkg-config)
pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || missing+=(maven)
# The API is checked by a tool from PyPI.
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v git >/dev/null || missing+=(git)
# Sets the clock of one process, for the tests.
command -v faketime >/dev/null || missing+=(faketime)
# Counts the instructions of the paths that every upload takes.
command -v valgrind >/dev/null || missing+=(valgrind)
# The one address in front of the services is tested with the real proxy.
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
# The pages are tested in a real browser.
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
  missing+=(chromium)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}; install them and run this again" >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq "${missing[@]}"
fi

# The embedded ClickHouse library, 566 MB unpacked: only when the lock file asks for another one.
stamp=node_modules/.fetched
if ! cmp -s package-lock.json "$stamp"; then
  npm ci --no-audit --no-fund
  cp package-lock.json "$stamp"
fi

# For the tests only: checks licences and sources of dependencies; runs benchmarks under valgrind, of the same version as
# the crate in Cargo.lock. They run for seconds, so that compiling them quickly counts.
tool() {
  [ -x "target/tools/bin/$1" ] || cargo install --quiet --locked --debug --version "$2" --root target/tools "$1"
}
if [ "${1:-}" = tests ]; then
  tool cargo-deny 0.20.2
  tool gungraun-runner 0.20.0
  # The server that results are imported from.
  bench/peer/run.sh install
fi
