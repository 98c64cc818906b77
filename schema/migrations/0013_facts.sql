-- Facts are kept as they came. A commit has a row for each registration that says something else of it, so that one who
-- knows only its hash and time does not erase its message; reads join them.
--
-- The version before goes on meanwhile, so that the table is exchanged with a filled one, and what was written to the former
-- one until then is copied again.

CREATE TABLE commits_0013 (
    repository LowCardinality(String),
    branch LowCardinality(String),
    uuid UInt64,
    hash String,
    revision UInt64,
    identifier String,
    has_message UInt8 DEFAULT JSONHas(document, 'message'),
    has_author UInt8 DEFAULT JSONHas(document, 'author'),
    document String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PRIMARY KEY (repository, branch, uuid)
ORDER BY (repository, branch, uuid, hash, revision, identifier, has_message, has_author);

INSERT INTO commits_0013
SELECT
    repository, branch, uuid, hash, revision, identifier,
    JSONHas(document, 'message'), JSONHas(document, 'author'), document, version
FROM commits
SETTINGS final = 1;

EXCHANGE TABLES commits AND commits_0013;

INSERT INTO commits
SELECT
    repository, branch, uuid, hash, revision, identifier,
    JSONHas(document, 'message'), JSONHas(document, 'author'), document, version
FROM commits_0013
SETTINGS final = 1;

DROP TABLE commits_0013;

-- Of a run's tests, those that did not run (skipped, not run, or with an outcome that nobody knows), and those with an
-- outcome that nobody knows.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS tests_not_run UInt32 DEFAULT 0 AFTER tests_run;

ALTER TABLE runs ADD COLUMN IF NOT EXISTS tests_unknown UInt32 DEFAULT 0 AFTER tests_not_run;

-- Uploads that were too old to be stored, so that their receipts say so.

CREATE TABLE IF NOT EXISTS expired_uploads (
    partition UInt32,
    offset UInt64,
    is_archive UInt8,
    kept_days UInt32,
    age_days UInt32,
    received_at UInt32
) ENGINE = ReplacingMergeTree(received_at) ORDER BY (partition, offset)
TTL toDateTime(received_at) + INTERVAL 365 DAY;

-- Archives live from the start of their run on, however old its commit is: eight weeks, which end by weeks of starts.

CREATE TABLE archives_0013 (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    digest String,
    size UInt64,
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(start_time, 'UTC'))
ORDER BY (branch, config_id, suite, uuid, sdk, start_time)
TTL toDateTime(start_time, 'UTC') + INTERVAL 56 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 0;

INSERT INTO archives_0013 SELECT * FROM archives
SETTINGS final = 0, max_partitions_per_insert_block = 0;

EXCHANGE TABLES archives AND archives_0013;

INSERT INTO archives SELECT * FROM archives_0013
SETTINGS final = 0, max_partitions_per_insert_block = 0;

DROP TABLE archives_0013;
