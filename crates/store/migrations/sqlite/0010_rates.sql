-- What keys have used of their rate limits, in slots of a sixtieth of each limit's period: what all nodes
-- have taken together.
CREATE TABLE rate_use (
    workspace TEXT    NOT NULL,
    api_key   TEXT    NOT NULL,
    limited   TEXT    NOT NULL,       -- requests, tokens, money
    period    TEXT    NOT NULL,       -- minute, hour, day
    slot      INTEGER NOT NULL,       -- its number since the Unix epoch
    used      INTEGER NOT NULL,       -- counts, or picodollars
    PRIMARY KEY (workspace, api_key, limited, period, slot),
    FOREIGN KEY (workspace, api_key) REFERENCES api_keys (workspace, id) ON DELETE CASCADE
) WITHOUT ROWID;
