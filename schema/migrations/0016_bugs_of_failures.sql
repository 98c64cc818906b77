-- A bug may explain one kind of failure alone: one that times out is no excuse for a crash. Empty stands for every kind.

ALTER TABLE bugs
ADD COLUMN IF NOT EXISTS failure String AFTER configuration,
MODIFY ORDER BY (suite, test, url, configuration, failure);

ALTER TABLE bugs MODIFY COLUMN failure DEFAULT '';
