-- Slices of budgets: what a server has set aside for the next calls of a key, so that these need not all
-- change the one row of what is spent.

CREATE TABLE budget_slices (
    workspace TEXT   COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id        TEXT   COLLATE "C" NOT NULL,
    api_key   TEXT   COLLATE "C" NOT NULL,   -- whose calls draw on it
    starts_at BIGINT             NOT NULL,   -- when such calls begin: in the periods of all its budgets
    ends_at   BIGINT             NOT NULL,   -- itself not included; the largest integer for total
    amount    BIGINT             NOT NULL,   -- how much of `spending.reserved` is for it
    node      TEXT   COLLATE "C" DEFAULT current_setting('backstay.node', true),
    PRIMARY KEY (workspace, id)
);
CREATE INDEX budget_slices_of_key ON budget_slices (workspace, api_key, id);

-- A call that drew on a slice leaves what it cost here, until the slice's calls are entered in `spending`
-- together. A reservation without a slice is in `spending` itself.
ALTER TABLE reservations ADD COLUMN slice TEXT COLLATE "C";
ALTER TABLE reservations ADD COLUMN cost BIGINT;            -- null while the call is open
CREATE INDEX reservations_of_slice ON reservations (workspace, slice) WHERE slice IS NOT NULL;

-- Whether each call of the key goes to the row of its budget.
ALTER TABLE api_keys ADD COLUMN strict_budget BIGINT NOT NULL DEFAULT 0;

-- What is done with calls while the database is away; null: they are refused.
ALTER TABLE workspaces ADD COLUMN when_store_is_away TEXT COLLATE "C";
-- Whether the call was answered while the database was away, and entered when it was back.
ALTER TABLE generations ADD COLUMN entered_late BIGINT NOT NULL DEFAULT 0;
