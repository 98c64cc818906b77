-- What the API answers besides results: repositories, links to the CI, archives, and results of
-- changes under review. Versions and reads are as in 0001.

CREATE TABLE IF NOT EXISTS repositories (
    repository String,
    first_seen UInt32
) ENGINE = ReplacingMergeTree(first_seen) ORDER BY repository;

INSERT INTO repositories SELECT DISTINCT repository, 0 FROM commits;

-- Every spelling of a commit, so that a look-up by prefix reads what it finds and not the history.
CREATE TABLE IF NOT EXISTS commit_names (
    repository LowCardinality(String),
    name String,
    branch LowCardinality(String),
    uuid UInt64,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (repository, name, branch, uuid);

INSERT INTO commit_names SELECT repository, hash, branch, uuid, version FROM commits WHERE hash != '';

INSERT INTO commit_names
SELECT repository, concat('r', toString(revision)), branch, uuid, version FROM commits WHERE revision > 0;

INSERT INTO commit_names
SELECT repository, lower(identifier), branch, uuid, version FROM commits WHERE identifier != '';

CREATE TABLE IF NOT EXISTS links (
    suite LowCardinality(String),
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    queue LowCardinality(String),
    build String CODEC(ZSTD(1)),
    worker LowCardinality(String),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (branch, config_id, suite, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 1826 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- The queue's link is kept once per configuration and suite, from the upload that came last.
CREATE TABLE IF NOT EXISTS queues (
    branch LowCardinality(String),
    config_id UInt64,
    suite String,
    sdk LowCardinality(String),
    queue String,
    last_upload UInt32
) ENGINE = ReplacingMergeTree(last_upload) ORDER BY (branch, config_id, suite, sdk)
TTL toDateTime(last_upload) + INTERVAL 1826 DAY;

-- Contents lie in the blob store under their digest; eight weeks after its commit an archive is gone.
CREATE TABLE IF NOT EXISTS archives (
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
PARTITION BY toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))
ORDER BY (branch, config_id, suite, uuid, sdk, start_time)
TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 56 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- Lifetime counts from the upload, so the weeks are weeks of the upload's time.
CREATE TABLE IF NOT EXISTS ews_results (
    flaky UInt8,
    suite LowCardinality(String),
    test String,
    branch LowCardinality(String),
    config_id UInt64,
    uuid UInt64,
    sdk LowCardinality(String),
    start_time UInt32,
    uploaded_at UInt32,
    result String CODEC(ZSTD(3)),
    details String CODEC(ZSTD(3)),
    flaky_type LowCardinality(String),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
ORDER BY (flaky, suite, test, branch, config_id, start_time, uuid, sdk)
TTL toDateTime(uploaded_at) + INTERVAL 90 DAY WHERE flaky = 1,
    toDateTime(uploaded_at) + INTERVAL 1826 DAY WHERE flaky = 0;
