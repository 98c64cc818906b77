-- A question for one test reads one granule of every part, so parts must be few and granules small. A week that gets
-- no more data becomes one part; granules of 1,024 rows are read eight times faster than the usual ones and, with a
-- primary key of two columns, cost 10 bytes of memory per thousand rows.

RENAME TABLE results TO results_before_0004;

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
    extra String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
PRIMARY KEY (suite, test_id)
ORDER BY (suite, test_id, branch, config_id, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, index_granularity = 1024,
    min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

INSERT INTO results SELECT * FROM results_before_0004 SETTINGS final = 0, max_partitions_per_insert_block = 0;

DROP TABLE results_before_0004;

ALTER TABLE runs
MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE failures
MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE uploads
MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE links
MODIFY SETTING min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;
