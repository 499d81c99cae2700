-- How often vectors were stored in a scope: an index in memory that was loaded before asks for those that it
-- lacks, also where another server stored them.
ALTER TABLE scopes ADD COLUMN embedded BIGINT NOT NULL DEFAULT 0;

-- Until when one server makes a vector, by the database's clock: meanwhile no other makes the same.
ALTER TABLE episode_vectors ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE statement_vectors ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0;

-- Which turns of a large scope mention which words, in blocks of turns that were written one after another.
-- Made from the turns, and again when it is lost.
CREATE TABLE word_blocks (
    workspace TEXT   COLLATE "C" NOT NULL,
    assistant TEXT   COLLATE "C" NOT NULL,
    user_name TEXT   COLLATE "C" NOT NULL,
    part      BIGINT NOT NULL,
    first     BIGINT NOT NULL,
    last      BIGINT NOT NULL,
    model     TEXT   COLLATE "C" NOT NULL,
    revision  TEXT   COLLATE "C" NOT NULL,
    content   BYTEA  NOT NULL,
    PRIMARY KEY (workspace, assistant, user_name, part, first),
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
