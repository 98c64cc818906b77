-- Which failures of which tests do not count, why, and until when, by the time at which somebody said so. An entry that ended
-- or was taken back stays as a row.

CREATE TABLE IF NOT EXISTS quarantine (
    suite LowCardinality(String),
    test String,
    configuration String,
    failure String,
    reason String,
    owner String,
    bug String,
    parked_by String,
    since UInt32,
    until UInt32,
    released_at UInt32,
    released_by String,
    recorded_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (suite, test, configuration, failure)
TTL toDateTime(until) + INTERVAL 1826 DAY;
