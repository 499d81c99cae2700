-- Logins of devices, which wait for an operator and then for their client. Of both codes only SHA-256 is
-- kept. Until it is decided a login belongs to nobody.
CREATE TABLE device_logins (
    device_hash BLOB    NOT NULL PRIMARY KEY,
    user_hash   BLOB    NOT NULL UNIQUE,
    state       TEXT    NOT NULL,          -- waiting, approved, denied
    workspace   TEXT,                      -- of the operator who approved it
    key_request TEXT,                      -- the key that is to be made, as JSON
    expires_at  INTEGER NOT NULL,
    asked_at    INTEGER NOT NULL DEFAULT 0 -- when its client has asked last
);
CREATE INDEX device_logins_by_expiry ON device_logins (expires_at);
