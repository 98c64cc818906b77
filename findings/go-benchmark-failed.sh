#!/usr/bin/env bash
# gotestsum writes a Go benchmark that ran well as a failed test.
#
# `go test -json` gives a benchmark a "run" event, then only output: no "pass" ever comes, only one that fails or is
# skipped has an end. gotestsum takes a test without an end for one that was cut off, so its JUnit file holds a
# <failure> for a benchmark of a green run, though its exit status is 0 and it prints a tick for the package. A reader
# of the file sees every benchmark fail in every run; a reader of the stream must not count a benchmark without an end
# as lost.
#
# Seen with gotestsum 1.13.0 and go 1.26.8, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

export GOPATH="$tmp/go" GOCACHE="$tmp/cache" GOFLAGS=-modcacherw GOTOOLCHAIN=go1.26.8 GOWORK=off
go install gotest.tools/gotestsum@v1.13.0

mkdir sums && cd sums
printf 'module example.com/sums\n\ngo 1.26\n' >go.mod
cat >sums_test.go <<'GO'
package sums

import "testing"

func BenchmarkSum(b *testing.B) {
	sum := 0
	for i := 0; i < b.N; i++ {
		sum += i
	}
	_ = sum
}
GO

go test -json -run '^$' -bench . -benchtime 10x . >stream.jsonl || changed "go test no longer passes here"
echo "actions of the benchmark in the stream:"
grep '"Test":"BenchmarkSum"' stream.jsonl | sed 's/.*"Action":"\([a-z]*\)".*/  \1/' | sort | uniq -c
grep '"Test":"BenchmarkSum"' stream.jsonl | grep -qE '"Action":"(pass|bench|fail|skip)"' &&
  changed "the stream now ends a benchmark that passes"

status=0
"$GOPATH/bin/gotestsum" --junitfile report.xml -- -run '^$' -bench . -benchtime 10x . >printed || status=$?
echo "gotestsum exits with $status, and writes:"
grep -E '<testsuites|<testcase|<failure' report.xml | cut -c1-110
[ "$status" = 0 ] || changed "gotestsum no longer exits with 0 when only benchmarks ran"
grep -q '<testsuites tests="1" failures="1"' report.xml || changed "the JUnit file no longer counts a failure"
grep -A1 'name="BenchmarkSum"' report.xml | grep -q '<failure' || changed "the benchmark no longer has a <failure>"
