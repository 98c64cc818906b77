#!/usr/bin/env python3
"""Reads every answer that has rows as Parquet and as Arrow, and compares both with the CSV of the same question.

Usage: columnar.py URL FOLDER. Exits 1 at the first difference. What it saves lies in the folder.
"""

import csv
import io
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import duckdb
import pyarrow.ipc
import pyarrow.parquet

URL, FOLDER = sys.argv[1].rstrip("/"), Path(sys.argv[2])
RECIPES = Path("examples/recipes")
SUITE, TEST = "layout-tests", "css/flaky-000.html"
RESULTS = f"/api/results/{SUITE}/{TEST}?limit=1000"
QUESTIONS = [
    RESULTS,
    f"/api/results/{SUITE}?limit=50",
    f"/api/failures/{SUITE}?collapsed=false",
    f"/api/failures/{SUITE}",
    f"/api/triage?suite={SUITE}",
    f"/api/causes?suite={SUITE}",
    f"/api/causes/messages?suite={SUITE}",
    "/api/flaky?weeks=4",
    f"/api/changes/{SUITE}",
    f"/api/durations/{SUITE}/{TEST}",
    f"/api/trends?suite={SUITE}",
    f"/api/slowest/{SUITE}",
    f"/api/compare?suite={SUITE}&before=270100@main&after=270190@main",
    f"/api/compare/populations/{SUITE}?weeks=1",
    # Nothing: the columns are there all the same.
    f"/api/results/{SUITE}/none.html",
]

def get(question, form):
    separator = "&" if "?" in question else "?"
    try:
        with urllib.request.urlopen(f"{URL}{question}{separator}format={form}", timeout=60) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{question} as {form} is answered with {error.code}: {error.read().decode()}")

def text(value):
    """A value as a cell of CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return str(value)

def same(cell, value):
    """Whether both say the same; numbers are written with other digits here and there."""
    if isinstance(value, float):
        return float(cell) == value
    return cell == text(value)

def compared(question):
    # CSV has no column of labels where no row has any.
    head, *expected = list(csv.reader(io.StringIO(get(question, "csv").decode())))
    parquet = pyarrow.parquet.read_table(io.BytesIO(get(question, "parquet")))
    arrow = pyarrow.ipc.open_stream(get(question, "arrow")).read_all()
    for form, table in (("parquet", parquet), ("arrow", arrow)):
        columns = table.column_names
        if columns[: len(head)] != head or columns[len(head) :] not in ([], ["labels"]):
            sys.exit(f"{question} as {form} has the columns {columns} instead of {head}")
        rows = [list(row.values()) for row in table.to_pylist()]
        if len(rows) != len(expected):
            sys.exit(f"{question} as {form} has {len(rows)} rows instead of {len(expected)}")
        for row, cells in zip(rows, expected):
            if not all(same(cell, value) for cell, value in zip(cells, row)):
                sys.exit(f"{question} as {form}: {row} instead of {cells}")
    return len(expected)

def recipes():
    saved = FOLDER / "results.parquet"
    saved.write_bytes(get(RESULTS, "parquet"))
    statement = (RECIPES / "slowest_configurations.sql").read_text()
    counted = duckdb.connect().execute(statement.replace("results.parquet", str(saved))).fetchall()
    # The reference's JSON has a pass where a test did not run; rows have what it was.
    results = csv.DictReader(io.StringIO(get(RESULTS, "csv").decode()))
    runs = sum(bool(set(result["actual"].split()) - {"SKIP", "NOTRUN", "UNKNOWN"}) for result in results)
    if sum(row[2] for row in counted) != runs:
        sys.exit(f"the recipe for DuckDB counts {counted}, and the API has {runs} runs")
    printed = subprocess.run([sys.executable, RECIPES / "failure_rates.py", saved], check=True, capture_output=True, text=True).stdout
    sizes = [int(line.split()[-1]) for line in printed.splitlines()[2:]]
    if sum(sizes) != runs:
        sys.exit(f"the recipe for pandas counts {sizes}, and the API has {runs} runs")

rows = {question: compared(question) for question in QUESTIONS}
empty = [question for question, count in rows.items() if count == 0]
if empty != QUESTIONS[-1:]:
    sys.exit(f"nothing to compare: {empty}")
recipes()
print(f"{sum(rows.values())} rows of {len(rows)} answers read back from Parquet and Arrow")
