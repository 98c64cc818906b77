-- A processor of the version before that is started again writes rows without the columns that came since; the client takes
-- only such columns for optional that say what they are without a value. Stores that applied 13, 16 and 21 before these said so
-- themselves learn it here.

ALTER TABLE commits
    MODIFY COLUMN has_message DEFAULT JSONHas(document, 'message'),
    MODIFY COLUMN has_author DEFAULT JSONHas(document, 'author');

ALTER TABLE runs
    MODIFY COLUMN tests_not_run DEFAULT 0,
    MODIFY COLUMN tests_unknown DEFAULT 0,
    MODIFY COLUMN roster DEFAULT 0,
    MODIFY COLUMN surprises DEFAULT '',
    MODIFY COLUMN messages DEFAULT '';

ALTER TABLE bugs MODIFY COLUMN failure DEFAULT '';
