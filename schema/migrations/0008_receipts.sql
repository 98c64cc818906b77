-- The receipt that a repeated upload is given again, by what a repetition is told by: the sender's idempotency key, of
-- which the first upload stays, or the run, of which the last stays.

CREATE TABLE IF NOT EXISTS receipts (
    name String,
    content String,
    receipt String,
    received_at UInt32,
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY name
TTL toDateTime(received_at) + INTERVAL 30 DAY;
