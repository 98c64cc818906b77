-- The weeks of the commits that the runs of a week tested. A release branch is tested every night though its last commit is
-- months old; who asks what ran lately finds its commits here, without a look at every week since.

CREATE TABLE IF NOT EXISTS tested_weeks (
    suite LowCardinality(String),
    branch LowCardinality(String),
    start_week UInt32,
    commit_week UInt32
) ENGINE = ReplacingMergeTree ORDER BY (suite, branch, start_week, commit_week)
TTL toDateTime(start_week) + INTERVAL 1826 DAY;

INSERT INTO tested_weeks
SELECT DISTINCT suite, branch, intDiv(start_time + 259200, 604800) * 604800 - 259200 AS start_week,
    intDiv(intDiv(uuid, 100) + 259200, 604800) * 604800 - 259200 AS commit_week
FROM runs
WHERE start_time >= 345600 AND intDiv(uuid, 100) >= 345600;
