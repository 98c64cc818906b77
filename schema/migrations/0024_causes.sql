-- What each failing test of a run said, by what the messages have in common. The pattern stands for that: its name is in every
-- row, its text once in `causes`. Rows of one cause lie together, so that looking one up reads little, and what they repeat
-- takes no room. A rule groups its rows beside those of the rules before it. The index is on `lower(message)` and serves
-- conditions that are written like that; of three characters each, because words would serve no text that begins in one.

CREATE TABLE IF NOT EXISTS failure_messages (
    suite LowCardinality(String),
    branch LowCardinality(String),
    rule UInt16,
    cause UInt128,
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    test_id UInt64,
    worst UInt8,
    worst_unexpected UInt8,
    message String CODEC(ZSTD(3)),
    version UInt64,
    INDEX by_text lower(message) TYPE text(tokenizer = ngrams(3))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, branch, rule, cause, config_id, uuid, sdk, start_time, test_id)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 0,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

CREATE TABLE IF NOT EXISTS causes (
    suite LowCardinality(String),
    rule UInt16,
    cause UInt128,
    pattern String CODEC(ZSTD(3)),
    last_upload UInt32
) ENGINE = ReplacingMergeTree(last_upload) ORDER BY (suite, rule, cause)
TTL toDateTime(last_upload) + INTERVAL 1826 DAY
SETTINGS index_granularity = 1024;
