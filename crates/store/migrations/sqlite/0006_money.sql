-- What each provider charged for each attempt, and what callers may spend.

-- Null where the provider charges nothing for the attempt. A usage without a cost is a charge whose
-- price is unknown.
ALTER TABLE attempts ADD COLUMN usage TEXT;        -- JSON
ALTER TABLE attempts ADD COLUMN cost INTEGER;
ALTER TABLE attempts ADD COLUMN price TEXT;        -- as it was when the attempt was made, JSON
ALTER TABLE attempts ADD COLUMN estimated INTEGER; -- 1: the usage is our own count

-- What may be spent. `api_key` is a key's id; empty for the workspace as a whole.
CREATE TABLE budgets (
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    api_key    TEXT    NOT NULL,
    period     TEXT    NOT NULL,          -- day, week, month, total; in UTC, weeks from Monday
    amount_max INTEGER NOT NULL,
    PRIMARY KEY (workspace, api_key, period)
) WITHOUT ROWID;

-- One row per budget and period of it. Every reservation is in `reserved` of the rows whose time
-- holds the call's start, and moves to `spent` with what the call really cost.
CREATE TABLE spending (
    workspace TEXT    NOT NULL REFERENCES workspaces (id),
    api_key   TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,           -- itself not included; the largest integer for total
    spent     INTEGER NOT NULL,
    reserved  INTEGER NOT NULL,
    PRIMARY KEY (workspace, api_key, period, starts_at)
) WITHOUT ROWID;

-- One row per open call of a caller with a budget.
CREATE TABLE reservations (
    workspace  TEXT    NOT NULL,
    generation TEXT    NOT NULL,
    api_key    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    if_lost    TEXT    NOT NULL,          -- JSON: the attempt to charge when the process dies
    PRIMARY KEY (workspace, generation),
    FOREIGN KEY (workspace, generation) REFERENCES generations (workspace, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- What a key may do. JSON; null: everything, no limits.
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
ALTER TABLE api_keys ADD COLUMN policy TEXT;
ALTER TABLE api_keys ADD COLUMN rate_limits TEXT;
-- Whether a key with a budget may call models whose price is unknown.
ALTER TABLE api_keys ADD COLUMN allow_unpriced INTEGER NOT NULL DEFAULT 0;
-- The end of the key, to tell it from others.
ALTER TABLE api_keys ADD COLUMN suffix TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN updated_at INTEGER;
-- What the key was before it was rotated, and until when that is still accepted.
ALTER TABLE api_keys ADD COLUMN previous_hash BLOB;
ALTER TABLE api_keys ADD COLUMN previous_until INTEGER;
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_hash) WHERE previous_hash IS NOT NULL;
