"""Share of the runs of each week in which a test did not pass, by style.

Usage: failure_rates.py RESULTS, the address or the saved file of /api/results/SUITE/TEST?format=parquet. Needs pandas and
pyarrow.
"""

import sys

import pandas

results = pandas.read_parquet(sys.argv[1])
results["week"] = pandas.to_datetime(results["start_time"], unit="s").dt.to_period("W").astype(str)
results["failed"] = results["actual"] != "PASS"
print(results.groupby(["week", "style"])["failed"].agg(["mean", "size"]))
