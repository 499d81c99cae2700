-- How often vectors were stored in a scope: an index in memory that was loaded before asks for those that it
-- lacks.
ALTER TABLE scopes ADD COLUMN embedded INTEGER NOT NULL DEFAULT 0;

-- Which turns of a large scope mention which words, in blocks of turns that were written one after another.
-- Made from the turns, and again when it is lost.
CREATE TABLE word_blocks (
    workspace TEXT   NOT NULL,
    assistant TEXT   NOT NULL,
    user_name TEXT   NOT NULL,
    part      INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    model     TEXT   NOT NULL,
    revision  TEXT   NOT NULL,
    content   BLOB  NOT NULL,
    PRIMARY KEY (workspace, assistant, user_name, part, first),
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
