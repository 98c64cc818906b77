#!/usr/bin/env bash
# In the report of nox, result_code 1 is success and 0 is failure.
#
# `nox --report` gives each session a "result_code", and the whole a "result". They are neither exit codes nor alike
# for all that is not green: success 1, failed 0, aborted -1, skipped 2, and 0 for the whole of a run that failed, but
# also 1 for one that passed. Who reads them as exit codes has it the wrong way round, and who reads them as true or
# false takes an aborted session for a good one. Only the word in "result" of a session is safe.
#
# Seen with nox 2026.10.20, 2026-11.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check nox==2026.10.20

cat >noxfile.py <<'PYTHON'
import nox


@nox.session(venv_backend="none")
def good(session):
    session.run("python3", "-c", "pass", external=True)


@nox.session(venv_backend="none")
def bad(session):
    session.run("python3", "-c", "raise SystemExit(3)", external=True)


@nox.session(venv_backend="none")
def unready(session):
    session.error("no database")


@nox.session(venv_backend="none")
def elsewhere(session):
    session.skip("only on another system")
PYTHON

all=0 one=0
venv/bin/nox --report all.json 2>printed || all=$?
venv/bin/nox --session good --report good.json 2>>printed || one=$?
echo "nox exits with $all for all sessions, with $one for the good one"
[ "$all $one" = "1 0" ] || changed "the exit codes are no longer 1 and 0"

python3 - <<'PYTHON' || changed "the codes in the report are others"
import json

failed, passed = json.load(open("all.json")), json.load(open("good.json"))
codes = {each["name"]: (each["result"], each["result_code"]) for each in failed["sessions"]}
print("result of the run that failed:", failed["result"], "and of the one that passed:", passed["result"])
print("sessions:", codes)
assert (failed["result"], passed["result"]) == (0, 1)
assert codes == {"good": ("success", 1), "bad": ("failed", 0), "unready": ("aborted", -1), "elsewhere": ("skipped", 2)}
PYTHON
