-- What SQLite's migrations 1 to 7 make, in PostgreSQL's types: the tables and columns have the same
-- names, and what they mean is said there. From 8 on a change is a file of the same number in both
-- folders.
--
-- Text is compared byte by byte (COLLATE "C"), as SQLite compares it, so that lists have one order and
-- pages one meaning in both. A table with a column `workspace` needs nothing else to be seen by its
-- tenant alone: see protect.sql.

CREATE TABLE workspaces (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT   COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    fence      BIGINT NOT NULL DEFAULT 0
);

-- Processes that share this database. One whose lease is over is gone, and what it left open is ended
-- by the others. All times in it are of the database's clock, so that no node's own clock matters.
CREATE TABLE nodes (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    lease_ends BIGINT NOT NULL
);

CREATE FUNCTION database_clock() RETURNS BIGINT LANGUAGE SQL VOLATILE AS $$
    SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)
$$;

-- Rows of a node that is unknown are rows of one that is gone.
CREATE FUNCTION node_is_gone(node TEXT) RETURNS BOOLEAN LANGUAGE SQL VOLATILE AS $$
    SELECT NOT EXISTS (
        SELECT 1 FROM nodes WHERE nodes.id = node AND nodes.lease_ends > database_clock())
$$;

CREATE TABLE api_keys (
    workspace      TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id             TEXT   COLLATE "C" NOT NULL,
    hash           BYTEA  NOT NULL UNIQUE,
    prefix         TEXT   COLLATE "C" NOT NULL,
    name           TEXT   COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT,
    disabled_at    BIGINT,
    scopes         TEXT   COLLATE "C",
    policy         TEXT   COLLATE "C",
    rate_limits    TEXT   COLLATE "C",
    allow_unpriced BIGINT NOT NULL DEFAULT 0,
    suffix         TEXT   COLLATE "C" NOT NULL DEFAULT '',
    updated_at     BIGINT,
    previous_hash  BYTEA,
    previous_until BIGINT,
    PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_hash) WHERE previous_hash IS NOT NULL;

CREATE TABLE threads (
    workspace     TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id            TEXT   COLLATE "C" NOT NULL,
    assistant     TEXT   COLLATE "C" NOT NULL,
    user_name     TEXT   COLLATE "C" NOT NULL,
    title         TEXT   COLLATE "C",
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    incognito     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX threads_by_use ON threads (workspace, updated_at, id);
CREATE INDEX threads_by_scope ON threads (workspace, assistant, user_name, id);

CREATE TABLE messages (
    workspace  TEXT   COLLATE "C" NOT NULL,
    thread     TEXT   COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    id         TEXT   COLLATE "C" NOT NULL,
    role       TEXT   COLLATE "C" NOT NULL,
    content    TEXT   COLLATE "C" NOT NULL,
    author     TEXT   COLLATE "C" NOT NULL,
    said_at    BIGINT NOT NULL,
    generation TEXT   COLLATE "C",
    incomplete BIGINT NOT NULL,
    PRIMARY KEY (workspace, thread, position),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);

CREATE TABLE scopes (
    workspace TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    assistant TEXT   COLLATE "C" NOT NULL,
    user_name TEXT   COLLATE "C" NOT NULL,
    episodes  BIGINT NOT NULL,
    written   BIGINT NOT NULL,
    forgotten BIGINT NOT NULL,
    changed   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace, assistant, user_name)
);

CREATE TABLE episodes (
    workspace   TEXT   COLLATE "C" NOT NULL,
    id          TEXT   COLLATE "C" NOT NULL,
    assistant   TEXT   COLLATE "C" NOT NULL,
    user_name   TEXT   COLLATE "C" NOT NULL,
    thread      TEXT   COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    speaker     TEXT   COLLATE "C" NOT NULL,
    author      TEXT   COLLATE "C" NOT NULL,
    text        TEXT   COLLATE "C" NOT NULL,
    said_at     BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    source      TEXT   COLLATE "C" NOT NULL,
    trust       TEXT   COLLATE "C" NOT NULL,
    sequence    BIGINT NOT NULL,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
CREATE UNIQUE INDEX episodes_by_scope ON episodes (workspace, assistant, user_name, sequence);
CREATE UNIQUE INDEX episodes_by_thread ON episodes (workspace, thread, position);
CREATE INDEX episodes_by_source ON episodes (workspace, source);

CREATE TABLE episode_vectors (
    workspace TEXT   COLLATE "C" NOT NULL,
    episode   TEXT   COLLATE "C" NOT NULL,
    passage   BIGINT NOT NULL,
    model     TEXT   COLLATE "C" NOT NULL DEFAULT '',
    revision  TEXT   COLLATE "C" NOT NULL DEFAULT '',
    dimension BIGINT NOT NULL DEFAULT 0,
    vector    BYTEA,
    states    BYTEA,
    PRIMARY KEY (workspace, episode, passage),
    FOREIGN KEY (workspace, episode) REFERENCES episodes (workspace, id) ON DELETE CASCADE
);
CREATE INDEX episode_vectors_by_model ON episode_vectors (workspace, model, revision, episode)
    WHERE passage = 0;

CREATE TABLE generations (
    workspace          TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id                 TEXT   COLLATE "C" NOT NULL,
    request            TEXT   COLLATE "C" NOT NULL,
    api_key            TEXT   COLLATE "C" NOT NULL,
    status             TEXT   COLLATE "C" NOT NULL,
    requested_model    TEXT   COLLATE "C" NOT NULL,
    provider           TEXT   COLLATE "C",
    model              TEXT   COLLATE "C",
    stream             BIGINT NOT NULL,
    started_at         BIGINT NOT NULL,
    finished_at        BIGINT,
    latency_ms         BIGINT,
    first_token_ms     BIGINT,
    prompt_tokens      BIGINT,
    completion_tokens  BIGINT,
    cached_tokens      BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens   BIGINT,
    usage_estimated    BIGINT,
    provider_cost      BIGINT,
    cost               BIGINT,
    price              TEXT   COLLATE "C",
    error_code         TEXT   COLLATE "C",
    thread             TEXT   COLLATE "C",
    assistant          TEXT   COLLATE "C",
    user_name          TEXT   COLLATE "C",
    memory_tokens      BIGINT NOT NULL,
    dropped            TEXT   COLLATE "C",
    -- Each transaction says which node it is of: the one that settles the call, while it lives.
    node               TEXT   COLLATE "C" DEFAULT current_setting('backstay.node', true),
    PRIMARY KEY (workspace, id)
);
CREATE INDEX generations_pending ON generations (workspace, id) WHERE status = 'pending';
CREATE INDEX generations_of_learning ON generations (workspace, started_at)
    WHERE api_key = 'key_learning';

CREATE TABLE attempts (
    workspace   TEXT   COLLATE "C" NOT NULL,
    generation  TEXT   COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,
    provider    TEXT   COLLATE "C" NOT NULL,
    model       TEXT   COLLATE "C" NOT NULL,
    error_code  TEXT   COLLATE "C",
    http_status BIGINT,
    started_at  BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    usage       TEXT   COLLATE "C",
    cost        BIGINT,
    price       TEXT   COLLATE "C",
    estimated   BIGINT,
    PRIMARY KEY (workspace, generation, number),
    FOREIGN KEY (workspace, generation) REFERENCES generations (workspace, id) ON DELETE CASCADE
);

CREATE TABLE statements (
    workspace     TEXT   COLLATE "C" NOT NULL,
    id            TEXT   COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    assistant     TEXT   COLLATE "C" NOT NULL,
    user_name     TEXT   COLLATE "C" NOT NULL,
    text          TEXT   COLLATE "C" NOT NULL,
    kind          TEXT   COLLATE "C" NOT NULL,
    subject       TEXT   COLLATE "C",
    confidence    BIGINT NOT NULL,
    trust         TEXT   COLLATE "C" NOT NULL,
    quarantine    TEXT   COLLATE "C",
    valid_from    BIGINT,
    valid_to      BIGINT,
    said_at       BIGINT NOT NULL,
    expires_at    BIGINT,
    pinned        BIGINT NOT NULL,
    source        TEXT   COLLATE "C" NOT NULL,
    learned_by    TEXT   COLLATE "C",
    metadata      TEXT   COLLATE "C",
    created_at    BIGINT NOT NULL,
    recorded_at   BIGINT NOT NULL,
    retracted_at  BIGINT,
    superseded_by TEXT   COLLATE "C",
    content_hash  BYTEA  NOT NULL,
    PRIMARY KEY (workspace, id, version),
    FOREIGN KEY (workspace, assistant, user_name)
        REFERENCES scopes (workspace, assistant, user_name)
);
CREATE UNIQUE INDEX statements_believed
    ON statements (workspace, assistant, user_name, content_hash) WHERE retracted_at IS NULL;
CREATE INDEX statements_by_scope
    ON statements (workspace, assistant, user_name, created_at, id, version);
CREATE INDEX statements_by_source ON statements (workspace, source, id);
CREATE INDEX statements_superseded ON statements (workspace, superseded_by, id)
    WHERE superseded_by IS NOT NULL;
CREATE INDEX statements_expiring ON statements (workspace, expires_at, id)
    WHERE expires_at IS NOT NULL;

CREATE TABLE statement_sources (
    workspace TEXT   COLLATE "C" NOT NULL,
    id        TEXT   COLLATE "C" NOT NULL,
    version   BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    episode   TEXT   COLLATE "C" NOT NULL,
    quote     TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, id, version, number),
    FOREIGN KEY (workspace, id, version)
        REFERENCES statements (workspace, id, version) ON DELETE CASCADE
);
CREATE INDEX statement_sources_by_episode ON statement_sources (workspace, episode, id, version);

CREATE TABLE statement_vectors (
    workspace TEXT   COLLATE "C" NOT NULL,
    statement TEXT   COLLATE "C" NOT NULL,
    version   BIGINT NOT NULL,
    model     TEXT   COLLATE "C" NOT NULL DEFAULT '',
    revision  TEXT   COLLATE "C" NOT NULL DEFAULT '',
    dimension BIGINT NOT NULL DEFAULT 0,
    vector    BYTEA,
    states    BYTEA,
    PRIMARY KEY (workspace, statement),
    FOREIGN KEY (workspace, statement, version)
        REFERENCES statements (workspace, id, version) ON DELETE CASCADE
);
CREATE INDEX statement_vectors_by_model
    ON statement_vectors (workspace, model, revision, statement);
-- SQLite looks through the few rows of a statement for this; here a deleted version looks for them.
CREATE INDEX statement_vectors_by_version ON statement_vectors (workspace, statement, version);

CREATE TABLE tombstones (
    workspace    TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    content_hash BYTEA  NOT NULL,
    forgotten_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, content_hash)
);

CREATE TABLE jobs (
    workspace  TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id         TEXT   COLLATE "C" NOT NULL,
    kind       TEXT   COLLATE "C" NOT NULL,
    key        TEXT   COLLATE "C" NOT NULL,
    payload    TEXT   COLLATE "C" NOT NULL,
    state      TEXT   COLLATE "C" NOT NULL,
    wanted     BIGINT NOT NULL,
    failures   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    fence      BIGINT NOT NULL,
    last_error TEXT   COLLATE "C",
    created_at BIGINT NOT NULL,
    node       TEXT   COLLATE "C",        -- that has it
    PRIMARY KEY (workspace, id),
    UNIQUE (workspace, kind, key)
);
CREATE INDEX jobs_due ON jobs (kind, due_at) WHERE state <> 'dead';
CREATE INDEX jobs_leased ON jobs (workspace, id) WHERE state = 'leased';

CREATE TABLE learned (
    workspace TEXT   COLLATE "C" NOT NULL,
    thread    TEXT   COLLATE "C" NOT NULL,
    position  BIGINT NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);

CREATE TABLE summaries (
    workspace  TEXT   COLLATE "C" NOT NULL,
    thread     TEXT   COLLATE "C" NOT NULL,
    text       TEXT   COLLATE "C" NOT NULL,
    built_at   BIGINT NOT NULL,
    learned_by TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, thread),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);

CREATE TABLE policies (
    workspace             TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    assistant             TEXT   COLLATE "C" NOT NULL,
    user_name             TEXT   COLLATE "C" NOT NULL,
    episode_ttl_seconds   BIGINT,
    statement_ttl_seconds BIGINT,
    half_life_days        BIGINT,
    learn                 BIGINT NOT NULL,
    PRIMARY KEY (workspace, assistant, user_name)
);

CREATE TABLE prices (
    endpoint    TEXT   COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    price       TEXT   COLLATE "C",
    source      TEXT   COLLATE "C" NOT NULL,
    as_of       TEXT   COLLATE "C",
    PRIMARY KEY (endpoint, recorded_at)
);

CREATE TABLE model_lists (
    provider TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    taken_at BIGINT NOT NULL,
    models   TEXT   COLLATE "C" NOT NULL
);

CREATE TABLE responses (
    workspace  TEXT   COLLATE "C" NOT NULL,
    generation TEXT   COLLATE "C" NOT NULL,
    thread     TEXT   COLLATE "C" NOT NULL,
    previous   TEXT   COLLATE "C",
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    body       TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, generation),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX responses_by_thread ON responses (workspace, thread);

CREATE TABLE budgets (
    workspace  TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    api_key    TEXT   COLLATE "C" NOT NULL,
    period     TEXT   COLLATE "C" NOT NULL,
    amount_max BIGINT NOT NULL,
    PRIMARY KEY (workspace, api_key, period)
);

CREATE TABLE spending (
    workspace TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    api_key   TEXT   COLLATE "C" NOT NULL,
    period    TEXT   COLLATE "C" NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    spent     BIGINT NOT NULL,
    reserved  BIGINT NOT NULL,
    PRIMARY KEY (workspace, api_key, period, starts_at)
);

CREATE TABLE reservations (
    workspace  TEXT   COLLATE "C" NOT NULL,
    generation TEXT   COLLATE "C" NOT NULL,
    api_key    TEXT   COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    amount     BIGINT NOT NULL,
    if_lost    TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace, generation),
    FOREIGN KEY (workspace, generation) REFERENCES generations (workspace, id) ON DELETE CASCADE
);

CREATE TABLE idempotency (
    workspace   TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    api_key     TEXT   COLLATE "C" NOT NULL,
    token       BYTEA  NOT NULL,
    fingerprint BYTEA  NOT NULL,
    state       TEXT   COLLATE "C" NOT NULL,
    status      BIGINT,
    headers     TEXT   COLLATE "C",
    body        BYTEA,
    expires_at  BIGINT NOT NULL,
    node        TEXT   COLLATE "C" DEFAULT current_setting('backstay.node', true),
    PRIMARY KEY (workspace, api_key, token)
);
CREATE INDEX idempotency_expiring ON idempotency (workspace, expires_at);
CREATE INDEX idempotency_running ON idempotency (workspace, api_key, token)
    WHERE state = 'running';
