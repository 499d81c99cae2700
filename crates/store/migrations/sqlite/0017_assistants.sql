-- Assistants: what a model is to do, and whose memory it has.
CREATE TABLE assistants (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    id         TEXT    NOT NULL,
    scope      TEXT    NOT NULL,          -- `assistant` of its threads, episodes and statements
    name       TEXT    NOT NULL,
    settings   TEXT    NOT NULL,          -- JSON
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX assistants_by_scope ON assistants (workspace, scope);
CREATE INDEX assistants_by_age ON assistants (workspace, created_at, id);
CREATE INDEX assistants_by_name ON assistants (workspace, name, created_at, id);

-- What a client keeps beside a message: a JSON object. Null: nothing.
ALTER TABLE messages ADD COLUMN metadata TEXT;

-- Answers to a user that may take several calls. `asked` is what the turn was asked with, as JSON, while the
-- run waits for the outputs of its client's tools; a claimed run is being gone on with until that moment.
CREATE TABLE runs (
    workspace     TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    thread        TEXT    NOT NULL,
    state         TEXT    NOT NULL,       -- waiting, completed, cancelled
    asked         TEXT,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX runs_of_thread ON runs (workspace, thread, id);

-- Which turns a client waits for to be learned from.
CREATE TABLE memory_operations (
    workspace  TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    thread     TEXT    NOT NULL,
    first      INTEGER NOT NULL,          -- position of the turn's first message
    last       INTEGER NOT NULL,          -- and of its last
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX memory_operations_of_thread ON memory_operations (workspace, thread);

-- What stands in a prompt for the turns of a thread that do not fit into a model's window any more. Made of
-- those turns: it goes with any of them.
CREATE TABLE history_summaries (
    workspace TEXT    NOT NULL,
    thread    TEXT    NOT NULL,
    up_to     INTEGER NOT NULL,           -- position of the first message that it does not hold
    text      TEXT    NOT NULL,
    built_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
