-- What the tests of a run did, in the run's own row: the outcomes that were not the usual ones, and the name of the list of
-- tests that ran, which most runs share. Runs from before have none, and are read from `results` until a rebuild.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS roster UInt128 DEFAULT 0 AFTER tests_unexpected_failed;

ALTER TABLE runs ADD COLUMN IF NOT EXISTS surprises String DEFAULT '' CODEC(ZSTD(1)) AFTER roster;

ALTER TABLE runs ADD COLUMN IF NOT EXISTS messages String DEFAULT '' CODEC(ZSTD(3)) AFTER surprises;

-- Lists of tests and their parts, by the digest of what they say. Every upload looks for none; answers look up those that
-- they have not seen yet, by digests, which are spread evenly: with the usual granules each look-up reads 8,192 rows.

CREATE TABLE IF NOT EXISTS rosters (
    id UInt128,
    content String CODEC(ZSTD(1)),
    last_upload UInt32
) ENGINE = ReplacingMergeTree(last_upload) ORDER BY id
TTL toDateTime(last_upload) + INTERVAL 1826 DAY
SETTINGS index_granularity = 256;
