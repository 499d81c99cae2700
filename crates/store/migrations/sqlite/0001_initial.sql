-- Identifiers are text, times are microseconds since the Unix epoch, money is picodollars, JSON is
-- text, truth values are 0 and 1. `user_name` is what clients call `user` (a reserved word in
-- PostgreSQL); the empty string stands for no user, so that it can be part of a key.

CREATE TABLE workspaces (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
);

CREATE TABLE api_keys (
    workspace   TEXT    NOT NULL REFERENCES workspaces (id),
    id          TEXT    NOT NULL,
    hash        BLOB    NOT NULL UNIQUE,  -- SHA-256 of the key; the key itself is not stored
    prefix      TEXT    NOT NULL,         -- what of the key people are shown
    name        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    disabled_at INTEGER,
    PRIMARY KEY (workspace, id)
);

CREATE TABLE threads (
    workspace     TEXT    NOT NULL REFERENCES workspaces (id),
    id            TEXT    NOT NULL,
    assistant     TEXT    NOT NULL,
    user_name     TEXT    NOT NULL,
    title         TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    message_count INTEGER NOT NULL,       -- also the position of the next message
    PRIMARY KEY (workspace, id)
);
CREATE INDEX threads_by_use ON threads (workspace, updated_at, id);

CREATE TABLE messages (
    workspace  TEXT    NOT NULL,
    thread     TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    content    TEXT    NOT NULL,          -- the whole message as JSON
    author     TEXT    NOT NULL,
    said_at    INTEGER NOT NULL,
    generation TEXT,                      -- the model call that it was said in; none when imported
    incomplete INTEGER NOT NULL,          -- 1: the answer broke off
    PRIMARY KEY (workspace, thread, position),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);

-- One row per memory scope. `written` and `forgotten` only grow: together they are the version that
-- an index held in memory compares with. The row outlives the scope's last episode for that reason.
CREATE TABLE scopes (
    workspace TEXT    NOT NULL REFERENCES workspaces (id),
    assistant TEXT    NOT NULL,
    user_name TEXT    NOT NULL,
    episodes  INTEGER NOT NULL,
    written   INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    PRIMARY KEY (workspace, assistant, user_name)
);

CREATE TABLE episodes (
    workspace    TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    assistant    TEXT    NOT NULL,
    user_name    TEXT    NOT NULL,
    thread       TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    speaker      TEXT    NOT NULL,
    author       TEXT    NOT NULL,
    text         TEXT    NOT NULL,
    said_at      INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    source       TEXT    NOT NULL,        -- 'turn' or the name of what it was imported from
    trust        TEXT    NOT NULL,        -- how far its author can be believed
    sequence     INTEGER NOT NULL,        -- its number among all ever written to its scope
    content_hash BLOB,                    -- what makes a second import of it the same; imports only
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
CREATE UNIQUE INDEX episodes_by_scope ON episodes (workspace, assistant, user_name, sequence);
CREATE UNIQUE INDEX episodes_by_thread ON episodes (workspace, thread, position);
CREATE UNIQUE INDEX episodes_imported ON episodes (workspace, assistant, user_name, content_hash)
    WHERE content_hash IS NOT NULL;

-- Every episode has exactly one row from the start. Until it is embedded, model and revision are
-- empty and there is no vector; a change of model replaces the vector in place.
CREATE TABLE episode_vectors (
    workspace TEXT    NOT NULL,
    episode   TEXT    NOT NULL,
    model     TEXT    NOT NULL DEFAULT '',
    revision  TEXT    NOT NULL DEFAULT '',
    dimension INTEGER NOT NULL DEFAULT 0,
    vector    BLOB,                       -- `dimension` little-endian 32-bit floats
    PRIMARY KEY (workspace, episode),
    FOREIGN KEY (workspace, episode) REFERENCES episodes (workspace, id) ON DELETE CASCADE
);
CREATE INDEX episode_vectors_by_model ON episode_vectors (workspace, model, revision, episode);

-- Every model call writes here twice; one tree instead of a table and its key takes a fifth less
-- space.
CREATE TABLE generations (
    workspace          TEXT    NOT NULL REFERENCES workspaces (id),
    id                 TEXT    NOT NULL,
    request            TEXT    NOT NULL,
    api_key            TEXT    NOT NULL,
    status             TEXT    NOT NULL,
    requested_model    TEXT    NOT NULL,
    provider           TEXT,
    model              TEXT,
    stream             INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    finished_at        INTEGER,
    latency_ms         INTEGER,
    first_token_ms     INTEGER,
    prompt_tokens      INTEGER,           -- null: nothing is known of the usage
    completion_tokens  INTEGER,
    cached_tokens      INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens   INTEGER,
    usage_estimated    INTEGER,
    provider_cost      INTEGER,           -- what the provider says that it charged
    cost               INTEGER,           -- null: unknown
    price              TEXT,              -- as it was when the call was made, JSON
    error_code         TEXT,
    thread             TEXT,
    assistant          TEXT,
    user_name          TEXT,
    memory_tokens      INTEGER NOT NULL,
    dropped            TEXT,              -- JSON array of parameters; null: none
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID;
-- Holds only calls that are open, so that a start after a crash finds them without a scan.
CREATE INDEX generations_pending ON generations (workspace, id) WHERE status = 'pending';

CREATE TABLE attempts (
    workspace   TEXT    NOT NULL,
    generation  TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    provider    TEXT    NOT NULL,
    model       TEXT    NOT NULL,
    error_code  TEXT,                     -- null: it began to answer
    http_status INTEGER,
    started_at  INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    PRIMARY KEY (workspace, generation, number),
    FOREIGN KEY (workspace, generation) REFERENCES generations (workspace, id) ON DELETE CASCADE
) WITHOUT ROWID;
