CREATE TABLE response_cache (
    workspace  TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    api_key    TEXT   COLLATE "C" NOT NULL,
    request    BYTEA  NOT NULL,
    generation TEXT   COLLATE "C" NOT NULL,
    cost       BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    answer     BYTEA  NOT NULL,
    PRIMARY KEY (workspace, api_key, request)
);
CREATE INDEX response_cache_by_age ON response_cache (workspace, created_at, size);
CREATE INDEX response_cache_expiring ON response_cache (workspace, expires_at);

ALTER TABLE generations ADD COLUMN cached_from TEXT COLLATE "C", ADD COLUMN saved BIGINT;
