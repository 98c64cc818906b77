-- Which bugs explain the failures of which tests, by the time at which somebody said so. A link that was taken back stays
-- as a row that is not open.

CREATE TABLE IF NOT EXISTS bugs (
    suite LowCardinality(String),
    test String,
    url String,
    configuration String,
    note String,
    is_open UInt8,
    linked_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (suite, test, url, configuration)
TTL toDateTime(linked_at) + INTERVAL 1826 DAY;
