-- What a question for one test costs is mostly opening files: a part in the wide format has two for each column. All
-- columns of a compact part are in one file, which halves the time. The time of a test, the one other member that nearly
-- every result has, gets a column, because JSON texts in granules this small hardly compress; 0 stands for none.

RENAME TABLE results TO results_before_0006;

CREATE TABLE results (
    suite LowCardinality(String),
    test_id UInt64,
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64 CODEC(Delta, ZSTD(1)),
    sdk LowCardinality(String),
    start_time UInt32 CODEC(Delta, ZSTD(1)),
    actual UInt16,
    expected UInt16,
    time_and_one UInt32 CODEC(ZSTD(1)),
    extra String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
PRIMARY KEY (suite, test_id)
ORDER BY (suite, test_id, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, index_granularity = 1024,
    min_bytes_for_wide_part = 1000000000000,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

INSERT INTO results
SELECT
    suite, test_id, branch, config_id, uuid, sdk, start_time, actual, expected,
    if(match(extra, '^[{]"time":(0|[1-9][0-9]{0,8})[}]$'), toUInt32OrZero(extract(extra, '[0-9]+')) + 1, 0),
    if(match(extra, '^[{]"time":(0|[1-9][0-9]{0,8})[}]$'), '', extra),
    version
FROM results_before_0006
SETTINGS final = 0, max_partitions_per_insert_block = 0;

DROP TABLE results_before_0006;
