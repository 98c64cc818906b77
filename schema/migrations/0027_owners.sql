-- Who owns tests. An upload that names owners has the name of a list in its run's row, which most runs share; the list and its
-- parts lie among `rosters`. Runs of other uploads, and of before, have none. A file of owners that somebody sent for a suite
-- holds until the next one.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS owners UInt128 DEFAULT 0 AFTER messages;

CREATE TABLE IF NOT EXISTS owner_files (
    suite LowCardinality(String),
    content String CODEC(ZSTD(3)),
    folder String,
    recorded_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY suite;
