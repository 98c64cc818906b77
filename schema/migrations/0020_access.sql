-- Keys of senders and readers by the digest of their secret, when each ends before it expires (of several ends the earliest
-- counts), when each was last used, and who changed what by hand. Keys outlive every retention.

CREATE TABLE IF NOT EXISTS access_keys (
    id String,
    name String,
    digest String,
    scopes Array(String),
    created_at UInt32,
    expires_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY id;

CREATE TABLE IF NOT EXISTS access_key_ends (
    id String,
    ends_at UInt32
) ENGINE = ReplacingMergeTree ORDER BY (id, ends_at);

CREATE TABLE IF NOT EXISTS access_key_uses (
    id String,
    used_at UInt32
) ENGINE = ReplacingMergeTree(used_at) ORDER BY id;

CREATE TABLE IF NOT EXISTS audit (
    done_at UInt32,
    event_id String,
    actor String,
    action LowCardinality(String),
    subject String,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (done_at, event_id)
TTL toDateTime(done_at) + INTERVAL 1826 DAY;
