-- Slices of budgets: what a server has set aside for the next calls of a key, so that these need not all
-- change the one row of what is spent. A data folder has one process, which takes none; the tables are
-- those of a database that servers share.

CREATE TABLE budget_slices (
    workspace TEXT    NOT NULL REFERENCES workspaces (id),
    id        TEXT    NOT NULL,
    api_key   TEXT    NOT NULL,       -- whose calls draw on it
    starts_at INTEGER NOT NULL,       -- when such calls begin: in the periods of all its budgets
    ends_at   INTEGER NOT NULL,       -- itself not included; the largest integer for total
    amount    INTEGER NOT NULL,       -- how much of `spending.reserved` is for it
    PRIMARY KEY (workspace, id)
) WITHOUT ROWID;
CREATE INDEX budget_slices_of_key ON budget_slices (workspace, api_key, id);

-- A call that drew on a slice leaves what it cost here, until the slice's calls are entered in `spending`
-- together. A reservation without a slice is in `spending` itself.
ALTER TABLE reservations ADD COLUMN slice TEXT;
ALTER TABLE reservations ADD COLUMN cost INTEGER;      -- null while the call is open
CREATE INDEX reservations_of_slice ON reservations (workspace, slice) WHERE slice IS NOT NULL;

-- Whether each call of the key goes to the row of its budget.
ALTER TABLE api_keys ADD COLUMN strict_budget INTEGER NOT NULL DEFAULT 0;

-- What is done with calls while the database is away; null: they are refused.
ALTER TABLE workspaces ADD COLUMN when_store_is_away TEXT;
-- Whether the call was answered while the database was away, and entered when it was back.
ALTER TABLE generations ADD COLUMN entered_late INTEGER NOT NULL DEFAULT 0;
