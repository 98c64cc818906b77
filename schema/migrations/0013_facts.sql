-- Facts are kept as they came. A commit has a row for each registration that says something else of it, so that one who
-- knows only its hash and time does not erase its message; reads join them.

RENAME TABLE commits TO commits_before_0013;

CREATE TABLE commits (
    repository LowCardinality(String),
    branch LowCardinality(String),
    uuid UInt64,
    hash String,
    revision UInt64,
    identifier String,
    has_message UInt8,
    has_author UInt8,
    document String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PRIMARY KEY (repository, branch, uuid)
ORDER BY (repository, branch, uuid, hash, revision, identifier, has_message, has_author);

INSERT INTO commits
SELECT
    repository, branch, uuid, hash, revision, identifier,
    JSONHas(document, 'message'), JSONHas(document, 'author'), document, version
FROM commits_before_0013
SETTINGS final = 1;

DROP TABLE commits_before_0013;

-- Of a run's tests, those that did not run: skipped, not run, or with an outcome that nobody knows.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS tests_not_run UInt32 AFTER tests_run;
