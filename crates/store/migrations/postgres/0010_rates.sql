-- What keys have used of their rate limits, in slots of a sixtieth of each limit's period: what all nodes
-- have taken together.
CREATE TABLE rate_use (
    workspace TEXT   COLLATE "C" NOT NULL,
    api_key   TEXT   COLLATE "C" NOT NULL,
    limited   TEXT   COLLATE "C" NOT NULL,       -- requests, tokens, money
    period    TEXT   COLLATE "C" NOT NULL,       -- minute, hour, day
    slot      BIGINT             NOT NULL,       -- its number since the Unix epoch
    used      BIGINT             NOT NULL,       -- counts, or picodollars
    PRIMARY KEY (workspace, api_key, limited, period, slot),
    FOREIGN KEY (workspace, api_key) REFERENCES api_keys (workspace, id) ON DELETE CASCADE
);
