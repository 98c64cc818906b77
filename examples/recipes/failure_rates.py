"""Share of the runs of each week in which a test failed, by style. Runs in which it did not run are not counted.

Usage: failure_rates.py RESULTS, the address or the saved file of /api/results/SUITE/TEST?format=parquet. Needs pandas and
pyarrow.
"""

import sys

import pandas

FAILURES = {"CRASH", "TIMEOUT", "IMAGE", "AUDIO", "TEXT", "FAIL", "ERROR"}
NOT_RUN = {"SKIP", "NOTRUN", "UNKNOWN"}

results = pandas.read_parquet(sys.argv[1])
results["week"] = pandas.to_datetime(results["start_time"], unit="s").dt.to_period("W").astype(str)
# All states that a test had in a run, such as FAIL PASS where it was tried again.
states = results["actual"].str.split().map(set)
results["failed"] = states.map(lambda had: bool(had & FAILURES)).astype(bool)
ran = states.map(lambda had: bool(had - NOT_RUN)).astype(bool)
print(results[ran].groupby(["week", "style"])["failed"].agg(["mean", "size"]))
