-- How far in the log the views are, written after each batch's rows and before its offsets are committed.

CREATE TABLE IF NOT EXISTS watermarks (
    partition UInt32,
    next_offset UInt64
) ENGINE = ReplacingMergeTree(next_offset) ORDER BY partition;
