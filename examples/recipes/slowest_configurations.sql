-- Which configurations a test takes longest on: duckdb with the extension httpfs reads the address itself; a file that was
-- saved from it does as well. Runs in which the test did not run are not counted.
SELECT platform, style, count(*) AS runs, quantile_cont(time, 0.5) AS median_ms, max(time) AS longest_ms
FROM read_parquet('results.parquet')
WHERE time IS NOT NULL AND NOT regexp_full_match(actual, '((SKIP|NOTRUN|UNKNOWN) ?)+')
GROUP BY platform, style
ORDER BY median_ms DESC;
