-- Which configurations a test takes longest on: duckdb with the extension httpfs reads the address itself; a file that was
-- saved from it does as well.
SELECT platform, style, count(*) AS runs, quantile_cont(time, 0.5) AS median_ms, max(time) AS longest_ms
FROM read_parquet('results.parquet')
WHERE time IS NOT NULL
GROUP BY platform, style
ORDER BY median_ms DESC;
