-- What a hook was told of, so that it is told once. Written by the query service that tells; no event makes these rows,
-- and a rebuild leaves them alone.

CREATE TABLE IF NOT EXISTS alerts (
    hook String,
    subject String,
    told_at UInt32
) ENGINE = ReplacingMergeTree(told_at) ORDER BY (hook, subject)
TTL toDateTime(told_at) + INTERVAL 90 DAY;
