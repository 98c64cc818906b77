-- The verdicts that were given on failures of changes under review, so that they can be graded by what the branch showed
-- later. Written by the query service that gives them; no event makes these rows, and a rebuild leaves them alone.

CREATE TABLE IF NOT EXISTS verdicts (
    suite LowCardinality(String),
    asked_at UInt32,
    branch LowCardinality(String),
    change String,
    test String,
    verdict LowCardinality(String),
    state UInt8,
    rule LowCardinality(String)
) ENGINE = ReplacingMergeTree(asked_at) ORDER BY (asked_at, suite, branch, change, test)
TTL toDateTime(asked_at) + INTERVAL 366 DAY;
