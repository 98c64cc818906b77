#!/usr/bin/env bash
# ClickHouse reads the value of a query parameter as escaped text, so a value with a backslash becomes another one.
#
# {x:String} looks like the binding of other databases, where a value goes through as it is. Here it is parsed like a
# field of a tab-separated file: backslash and "t" become a tab, "\N" becomes the empty string, a real tab or newline
# and a backslash at the end are refused. A test named `C:\new` is not found, or another one is. Callers must double
# each backslash and escape control characters first. Numbers are parsed no more strictly: 300 as UInt8 is 44, without
# an error, though -1 is refused; and None for a Nullable(String) is the string "NULL".
#
# Seen with chdb 4.4.0 (chdb-core 26.9.0, Python 3.11), 2026-11. It installs close to 1 GB.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
changed() { echo "changed: $1" >&2; exit 1; }

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check chdb==4.4.0 chdb-core==26.9.0

cat >ask.py <<'PYTHON'
import json
import chdb


def ask(kind, value):
    try:
        row = str(chdb.query(f"SELECT {{x:{kind}}} AS x", "JSONEachRow", params={"x": value}))
        return json.loads(row)["x"]
    except Exception as error:
        return "refused: " + str(error).split("(")[-1].rstrip(".\n )")


expected = [
    ("String", r"a\tb", "a\tb"),
    ("String", r"C:\new", "C:\new"),
    ("String", r"\N", ""),
    ("String", "a\tb", "refused: BAD_QUERY_PARAMETER"),
    ("String", "a\nb", "refused: BAD_QUERY_PARAMETER"),
    ("String", "C:\\", "refused: CANNOT_PARSE_ESCAPE_SEQUENCE"),
    ("String", r"C:\\new", r"C:\new"),
    ("UInt8", 300, 44),
    ("UInt8", -1, "refused: BAD_QUERY_PARAMETER"),
    ("Nullable(String)", None, "NULL"),
]
others = 0
for kind, value, answer in expected:
    got = ask(kind, value)
    print(f"{kind:17} {value!r:9} -> {got!r}", "" if got == answer else f"(was {answer!r})")
    others += got != answer
raise SystemExit(others > 0)
PYTHON

venv/bin/python ask.py || changed "a parameter is read differently, see the marked lines"
