-- How far a rebuild is that has not ended: what it does, and the next offset of each partition.

CREATE TABLE IF NOT EXISTS rebuild_progress (
    partition UInt32,
    next_offset UInt64,
    plan String
) ENGINE = ReplacingMergeTree(next_offset) ORDER BY partition;
