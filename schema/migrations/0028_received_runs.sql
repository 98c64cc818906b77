-- When a run was received, so that it can be told what was known at a time. Rows of before have 0, and are taken as received when
-- the run started.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS received_at UInt32 DEFAULT 0 CODEC(DoubleDelta, ZSTD(1)) AFTER owners;
