-- Repeated inserts write the same rows again, which replacing tables take. Deduplication by block would save that, but
-- it notes a block before the block's part is committed: an insert that is killed in between is then taken for done when
-- it comes again, and its rows are lost.

ALTER TABLE runs MODIFY SETTING non_replicated_deduplication_window = 0;

ALTER TABLE results MODIFY SETTING non_replicated_deduplication_window = 0;

ALTER TABLE failures MODIFY SETTING non_replicated_deduplication_window = 0;

ALTER TABLE uploads MODIFY SETTING non_replicated_deduplication_window = 0;

ALTER TABLE links MODIFY SETTING non_replicated_deduplication_window = 0;

ALTER TABLE archives MODIFY SETTING non_replicated_deduplication_window = 0;
