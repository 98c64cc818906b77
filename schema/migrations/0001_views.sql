-- Every table is a ReplacingMergeTree over its natural key, versioned by the event's place in the
-- log: a repeated event writes identical rows, a replaced run writes newer ones, and reads with
-- FINAL see one row per key without waiting for merges.

CREATE TABLE IF NOT EXISTS configurations (
    branch LowCardinality(String),
    config_id UInt64,
    configuration String,
    last_start_time UInt32
) ENGINE = ReplacingMergeTree(last_start_time) ORDER BY (branch, config_id);

CREATE TABLE IF NOT EXISTS suites (
    branch LowCardinality(String),
    config_id UInt64,
    suite String,
    last_upload UInt32
) ENGINE = ReplacingMergeTree(last_upload) ORDER BY (branch, config_id, suite)
TTL toDateTime(last_upload) + INTERVAL 1826 DAY;

CREATE TABLE IF NOT EXISTS tests (
    suite LowCardinality(String),
    test String,
    test_id UInt64,
    last_upload UInt32
) ENGINE = ReplacingMergeTree(last_upload) ORDER BY (suite, test)
TTL toDateTime(last_upload) + INTERVAL 1826 DAY;

CREATE TABLE IF NOT EXISTS commits (
    repository LowCardinality(String),
    branch LowCardinality(String),
    uuid UInt64,
    hash String,
    revision UInt64,
    identifier String,
    document String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (repository, branch, uuid);

CREATE TABLE IF NOT EXISTS runs (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    flaky UInt32,
    tests_run UInt32,
    tests_unexpected_failed UInt32,
    stats String CODEC(ZSTD(3)),
    commits String CODEC(ZSTD(3)),
    details String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS results (
    suite LowCardinality(String),
    test_id UInt64,
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64 CODEC(Delta, ZSTD(1)),
    sdk LowCardinality(String),
    start_time UInt32 CODEC(Delta, ZSTD(1)),
    actual UInt16,
    expected UInt16,
    extra String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, test_id, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS failures (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    test String CODEC(ZSTD(1)),
    worst UInt8,
    worst_unexpected UInt8,
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, branch, config_id, uuid, sdk, start_time, test)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS uploads (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    commits String CODEC(ZSTD(3)),
    test_results String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;
