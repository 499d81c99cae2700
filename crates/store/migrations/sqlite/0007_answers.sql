-- Answers to requests that carried an idempotency key: the same request with the same key within a
-- day gets the same answer.
CREATE TABLE idempotency (
    workspace   TEXT    NOT NULL REFERENCES workspaces (id),
    api_key     TEXT    NOT NULL,
    token       BLOB    NOT NULL,         -- SHA-256 of the client's idempotency key
    fingerprint BLOB    NOT NULL,         -- SHA-256 of everything that the request says
    state       TEXT    NOT NULL,         -- running, done, unstored
    status      INTEGER,
    headers     TEXT,                     -- JSON: pairs of name and value
    body        BLOB,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (workspace, api_key, token)
) WITHOUT ROWID;
CREATE INDEX idempotency_expiring ON idempotency (workspace, expires_at);
-- Holds only requests that are open, so that a start after a crash finds them without a scan.
CREATE INDEX idempotency_running ON idempotency (workspace, api_key, token)
    WHERE state = 'running';
