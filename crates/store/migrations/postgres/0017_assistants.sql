-- Assistants: what a model is to do, and whose memory it has.
CREATE TABLE assistants (
    workspace  TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id         TEXT   COLLATE "C" NOT NULL,
    scope      TEXT   COLLATE "C" NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    settings   TEXT   COLLATE "C" NOT NULL,
    created_at BIGINT             NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX assistants_by_scope ON assistants (workspace, scope);
CREATE INDEX assistants_by_age ON assistants (workspace, created_at, id);
CREATE INDEX assistants_by_name ON assistants (workspace, name, created_at, id);

ALTER TABLE messages ADD COLUMN metadata TEXT COLLATE "C";

CREATE TABLE runs (
    workspace     TEXT   COLLATE "C" NOT NULL,
    id            TEXT   COLLATE "C" NOT NULL,
    thread        TEXT   COLLATE "C" NOT NULL,
    state         TEXT   COLLATE "C" NOT NULL,
    asked         TEXT   COLLATE "C",
    claimed_until BIGINT             NOT NULL DEFAULT 0,
    created_at    BIGINT             NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX runs_of_thread ON runs (workspace, thread, id);

CREATE TABLE memory_operations (
    workspace  TEXT   COLLATE "C" NOT NULL,
    id         TEXT   COLLATE "C" NOT NULL,
    thread     TEXT   COLLATE "C" NOT NULL,
    first      BIGINT             NOT NULL,
    last       BIGINT             NOT NULL,
    created_at BIGINT             NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX memory_operations_of_thread ON memory_operations (workspace, thread);

CREATE TABLE history_summaries (
    workspace TEXT   COLLATE "C" NOT NULL,
    thread    TEXT   COLLATE "C" NOT NULL,
    up_to     BIGINT             NOT NULL,
    text      TEXT   COLLATE "C" NOT NULL,
    built_at  BIGINT             NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
