-- Answers that clients let be given again to the same request.
CREATE TABLE response_cache (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    api_key    TEXT    NOT NULL,
    request    BLOB    NOT NULL,          -- SHA-256 of everything that the answer depends on
    generation TEXT    NOT NULL,          -- the call that the answer was made in
    cost       INTEGER,                   -- of that call; null: unknown
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    size       INTEGER NOT NULL,          -- bytes of the answer
    answer     BLOB    NOT NULL,
    PRIMARY KEY (workspace, api_key, request)
);
-- Holds what it takes to keep a workspace within its bounds, so that no answer is read for it.
CREATE INDEX response_cache_by_age ON response_cache (workspace, created_at, size);
CREATE INDEX response_cache_expiring ON response_cache (workspace, expires_at);

-- The call whose answer was given again, and what that call had cost. Null for a call that a model
-- answered; `saved` is null too where that cost is unknown.
ALTER TABLE generations ADD COLUMN cached_from TEXT;
ALTER TABLE generations ADD COLUMN saved INTEGER;
