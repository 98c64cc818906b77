-- What intakes did with the uploads of each minute: how many they took, which they refused and why, and which were slow.

CREATE TABLE IF NOT EXISTS intake_reports (
    until UInt32,
    intake String,
    report String CODEC(ZSTD(3)),
    version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY (until, intake)
TTL toDateTime(until) + INTERVAL 30 DAY;
