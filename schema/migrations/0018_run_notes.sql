-- What an upload says of its run beside the results: where it comes from, which part of a run it is, what it should hold,
-- and what is wrong with it. An upload that says nothing has no row.

CREATE TABLE IF NOT EXISTS run_notes (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    notes String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (suite, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 0,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

-- Runs by their page in the CI, so that who comes from there reads what it finds and not the history.

CREATE TABLE IF NOT EXISTS linked_runs (
    link String CODEC(ZSTD(1)),
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version)
ORDER BY (link, suite, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(start_time) + INTERVAL 1826 DAY
SETTINGS index_granularity = 1024;

INSERT INTO linked_runs
SELECT build, suite, branch, config_id, uuid, sdk, start_time, version FROM links
WHERE build != '' SETTINGS final = 0;
