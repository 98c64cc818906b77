-- A granule of a compact part is compressed by itself, so that within its 1,024 rows everything that each test repeats has to
-- be said once: the configurations, the runs and their versions. Versions are small numbers that go up and down; their
-- differences have many short repetitions, which hide the long one from the fast levels. Times of one test are of one size.
-- Parts that are there already are written anew by their next merge.

ALTER TABLE results
    MODIFY COLUMN test_id CODEC(ZSTD(1)),
    MODIFY COLUMN config_id CODEC(ZSTD(1)),
    MODIFY COLUMN actual CODEC(ZSTD(1)),
    MODIFY COLUMN expected CODEC(ZSTD(1)),
    MODIFY COLUMN time_and_one CODEC(T64, ZSTD(1)),
    MODIFY COLUMN version CODEC(ZSTD(3));
