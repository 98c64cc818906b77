-- Which tests have new names, and since when: what a test did under its former name in runs that started before
-- `renamed_at` belongs to its new name. A rename that was taken back stays as a row that is not open.

CREATE TABLE IF NOT EXISTS renames (
    suite LowCardinality(String),
    from_test String,
    to_test String,
    renamed_at UInt32,
    is_open UInt8,
    recorded_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (suite, from_test, to_test)
TTL toDateTime(recorded_at) + INTERVAL 1826 DAY;
