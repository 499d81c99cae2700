-- Logins of devices, which wait for an operator and then for their client. Of both codes only SHA-256 is
-- kept. Until it is decided a login belongs to nobody.
CREATE TABLE device_logins (
    device_hash BYTEA  NOT NULL PRIMARY KEY,
    user_hash   BYTEA  NOT NULL UNIQUE,
    state       TEXT   COLLATE "C" NOT NULL,
    workspace   TEXT   COLLATE "C",
    key_request TEXT   COLLATE "C",
    expires_at  BIGINT NOT NULL,
    asked_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX device_logins_by_expiry ON device_logins (expires_at);
