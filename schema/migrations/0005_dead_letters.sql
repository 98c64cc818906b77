-- Events that can never be processed, by their place in the log. The processor writes version 0; whoever replays or
-- discards one writes the time, so that a redelivered event does not take that back.

CREATE TABLE IF NOT EXISTS dead_letters (
    partition UInt32,
    offset UInt64,
    found_at UInt32,
    cause String,
    key String,
    event String CODEC(ZSTD(1)),
    state LowCardinality(String),
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (partition, offset)
TTL toDateTime(found_at) + INTERVAL 365 DAY;
