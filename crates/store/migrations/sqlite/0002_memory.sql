-- Statements beside episodes: what was learned or stated, what it rests on, and what works on it.

-- An incognito thread keeps its messages and leaves no trace in memory.
ALTER TABLE threads ADD COLUMN incognito INTEGER NOT NULL DEFAULT 0;
-- Counts every change to the scope's statements, as `written` and `forgotten` count its episodes.
ALTER TABLE scopes ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
-- The last fence that was given to a lease of one of the workspace's jobs; it only grows.
ALTER TABLE workspaces ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;

-- What learning has cost today is asked for before each of its calls.
CREATE INDEX generations_of_learning ON generations (workspace, started_at)
    WHERE api_key = 'key_learning';

-- The identifier of an imported episode is made of its content, and says it alone.
DROP INDEX episodes_imported;
ALTER TABLE episodes DROP COLUMN content_hash;

CREATE INDEX episodes_by_source ON episodes (workspace, source);

-- A long episode has a vector for each of its passages. Every episode has exactly one row with
-- passage 0 from the start; until it is embedded, model and revision are empty and there is no
-- vector. All passages of an episode are of one model.
CREATE TABLE episode_passages (
    workspace TEXT    NOT NULL,
    episode   TEXT    NOT NULL,
    passage   INTEGER NOT NULL,
    model     TEXT    NOT NULL DEFAULT '',
    revision  TEXT    NOT NULL DEFAULT '',
    dimension INTEGER NOT NULL DEFAULT 0,
    vector    BLOB,                       -- `dimension` little-endian 32-bit floats
    states    BLOB,                       -- of the tokens, in the embedder's own form
    PRIMARY KEY (workspace, episode, passage),
    FOREIGN KEY (workspace, episode) REFERENCES episodes (workspace, id) ON DELETE CASCADE
);
INSERT INTO episode_passages (workspace, episode, passage, model, revision, dimension, vector)
    SELECT workspace, episode, 0, model, revision, dimension, vector FROM episode_vectors;
DROP TABLE episode_vectors;
ALTER TABLE episode_passages RENAME TO episode_vectors;
CREATE INDEX episode_vectors_by_model ON episode_vectors (workspace, model, revision, episode)
    WHERE passage = 0;

-- One row per version. A later version never changes what an earlier one says; it only ends it:
-- `retracted_at` is null in the one version that is believed now, if any. The last version of a
-- superseded statement names what took its place.
CREATE TABLE statements (
    workspace     TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    assistant     TEXT    NOT NULL,
    user_name     TEXT    NOT NULL,
    text          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    subject       TEXT,
    confidence    INTEGER NOT NULL,       -- in percent
    trust         TEXT    NOT NULL,
    quarantine    TEXT,                   -- the reason; null: active
    valid_from    INTEGER,
    valid_to      INTEGER,
    said_at       INTEGER NOT NULL,
    expires_at    INTEGER,
    pinned        INTEGER NOT NULL,
    source        TEXT    NOT NULL,
    learned_by    TEXT,
    metadata      TEXT,                   -- a JSON object; null: empty
    created_at    INTEGER NOT NULL,       -- when version 1 was recorded
    recorded_at   INTEGER NOT NULL,
    retracted_at  INTEGER,
    superseded_by TEXT,
    content_hash  BLOB    NOT NULL,       -- of kind and normalised text
    PRIMARY KEY (workspace, id, version),
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
-- A scope believes the same thing only once.
CREATE UNIQUE INDEX statements_believed
    ON statements (workspace, assistant, user_name, content_hash) WHERE retracted_at IS NULL;
CREATE INDEX statements_by_scope
    ON statements (workspace, assistant, user_name, created_at, id, version);
CREATE INDEX statements_by_source ON statements (workspace, source, id);
CREATE INDEX statements_superseded ON statements (workspace, superseded_by, id)
    WHERE superseded_by IS NOT NULL;
CREATE INDEX statements_expiring ON statements (workspace, expires_at, id)
    WHERE expires_at IS NOT NULL;

-- What each version rests on.
CREATE TABLE statement_sources (
    workspace TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    number    INTEGER NOT NULL,           -- the order in which they are shown
    episode   TEXT    NOT NULL,
    quote     TEXT    NOT NULL,
    PRIMARY KEY (workspace, id, version, number),
    FOREIGN KEY (workspace, id, version)
        REFERENCES statements (workspace, id, version) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX statement_sources_by_episode ON statement_sources (workspace, episode, id, version);

-- One row per statement that can be recalled, as for episodes. `version` is the one whose text the
-- vector is of: a vector of an outdated text finds no place.
CREATE TABLE statement_vectors (
    workspace TEXT    NOT NULL,
    statement TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    model     TEXT    NOT NULL DEFAULT '',
    revision  TEXT    NOT NULL DEFAULT '',
    dimension INTEGER NOT NULL DEFAULT 0,
    vector    BLOB,
    states    BLOB,
    PRIMARY KEY (workspace, statement),
    FOREIGN KEY (workspace, statement, version)
        REFERENCES statements (workspace, id, version) ON DELETE CASCADE
);
CREATE INDEX statement_vectors_by_model
    ON statement_vectors (workspace, model, revision, statement);

-- Hashes of what was forgotten, so that importing or learning it again does not bring it back.
CREATE TABLE tombstones (
    workspace    TEXT    NOT NULL REFERENCES workspaces (id),
    content_hash BLOB    NOT NULL,
    forgotten_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, content_hash)
) WITHOUT ROWID;

-- Work that outlives the process. A row is there while the work is wanted.
CREATE TABLE jobs (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    id         TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,          -- what of: a thread, a scope
    payload    TEXT    NOT NULL,          -- JSON
    state      TEXT    NOT NULL,          -- ready, leased, dead
    wanted     INTEGER NOT NULL,          -- how often it was asked for since it was last done
    failures   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,          -- when it may be taken; a lease moves it to the lease's end
    fence      INTEGER NOT NULL,          -- of the last lease
    last_error TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, id),
    UNIQUE (workspace, kind, key)
);
-- The one index without the workspace: workers take the longest due of all tenants.
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE state <> 'dead';

-- Up to which position, itself not included, a thread was learned from.
CREATE TABLE learned (
    workspace TEXT    NOT NULL,
    thread    TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- Of a thread, made of its turns: deleted as soon as one of those is.
CREATE TABLE summaries (
    workspace  TEXT    NOT NULL,
    thread     TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    built_at   INTEGER NOT NULL,
    learned_by TEXT    NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- A row for a user stands instead of the one for every user, whose `user_name` is empty.
CREATE TABLE policies (
    workspace             TEXT    NOT NULL REFERENCES workspaces (id),
    assistant             TEXT    NOT NULL,
    user_name             TEXT    NOT NULL,
    episode_ttl_seconds   INTEGER,        -- null: kept
    statement_ttl_seconds INTEGER,        -- null: kept
    half_life_days        INTEGER,        -- null: no decay
    learn                 INTEGER NOT NULL,
    PRIMARY KEY (workspace, assistant, user_name)
) WITHOUT ROWID;
