-- A bug may explain failures by what they say, whichever tests do. Empty stands for every message.

ALTER TABLE bugs
ADD COLUMN IF NOT EXISTS message String AFTER failure,
MODIFY ORDER BY (suite, test, url, configuration, failure, message);

ALTER TABLE bugs MODIFY COLUMN message DEFAULT '';
