-- What providers say of their models and ask for them. It is the same for every tenant, so these two
-- tables have no workspace.

-- A row for each change: the price of an endpoint from `recorded_at` on, until its next row.
CREATE TABLE prices (
    endpoint    TEXT    NOT NULL,         -- provider/model
    recorded_at INTEGER NOT NULL,
    price       TEXT,                     -- JSON; null when it is no longer known
    source      TEXT    NOT NULL,         -- who says so
    as_of       TEXT,                     -- the day for which the source says it
    PRIMARY KEY (endpoint, recorded_at)
);

-- The last list of models that each provider gave, for starts without a network.
CREATE TABLE model_lists (
    provider TEXT    NOT NULL PRIMARY KEY,
    taken_at INTEGER NOT NULL,
    models   TEXT    NOT NULL             -- JSON
);
