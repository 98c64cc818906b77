#!/usr/bin/env python3
"""Reads exported files and compares them with what the API answered, row by row.

Usage: exported.py ask URL FOLDER, while the server runs, and exported.py compare FOLDER BLOBS once it has exported. Exits 1 at
the first difference. The questions are every result of some tests, and the runs of their suites.
"""

import csv
import io
import json
import sys
import urllib.request
from pathlib import Path

import duckdb
import pyarrow.parquet

SUITES = ("layout-tests", "api-tests", "javascriptcore-tests")
TESTS_OF_EACH = 8
# The default branch, and the change under review of the demonstration.
BRANCHES = ("", "&branch=change%2F4720")
COLUMNS = ("platform", "version", "is_simulator", "architecture", "style", "flavor", "sdk", "uuid", "start_time", "actual", "expected", "time")

def text(value):
    """A value as a cell of CSV has it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

def ask(url, folder):
    def get(path):
        with urllib.request.urlopen(url + path, timeout=60) as answer:
            return answer.read().decode()
    answers = {}
    for suite in SUITES:
        tests = json.loads(get(f"/api/{suite}/tests?limit=1000"))
        for test in tests[:: max(1, len(tests) // TESTS_OF_EACH)]:
            rows = []
            for branch in BRANCHES:
                answer = get(f"/api/results/{suite}/{test}?limit=100000&recent=false&format=csv{branch}")
                rows += ([row[column] for column in COLUMNS] for row in csv.DictReader(io.StringIO(answer)))
            answers[f"{suite} {test}"] = sorted(rows)
    (folder / "asked.json").write_text(json.dumps(answers))

def compare(folder, blobs):
    manifest = json.loads((blobs / "exports/manifest.json").read_text())
    expected = json.loads((folder / "asked.json").read_text())
    found = {name: [] for name in expected}
    counted = {"results": 0, "runs": 0, "commits": 0}
    for file in manifest["files"]:
        table = pyarrow.parquet.read_table(blobs / file["path"])
        counted[file["facts"]] += table.num_rows
        if file["facts"] != "results":
            continue
        for row in table.to_pylist():
            name = f"{row['suite']} {row['test']}"
            if name in found:
                found[name].append([text(row[column]) for column in COLUMNS])
    for name, rows in expected.items():
        if not rows or sorted(found[name]) != rows:
            both = zip(sorted(found[name]), rows)
            different = next((pair for pair in both if pair[0] != pair[1]), (len(found[name]), len(rows)))
            sys.exit(f"{name} is exported otherwise than the API has it: {different[0]} instead of {different[1]}")
    # The statement that docs/data.md shows.
    sql = f"SELECT count(*) FROM '{blobs}/exports/results/*/*.parquet'"
    if duckdb.connect().execute(sql).fetchone()[0] != counted["results"] or 0 in counted.values():
        sys.exit(f"the files hold {counted}")
    print(f"{sum(map(len, expected.values()))} of {counted['results']} exported results read back and compared with the API")

if sys.argv[1] == "ask":
    ask(sys.argv[2].rstrip("/"), Path(sys.argv[3]))
else:
    compare(Path(sys.argv[2]), Path(sys.argv[3]))
