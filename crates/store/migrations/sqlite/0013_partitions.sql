-- Retention looks for the oldest episodes. The other store also keeps its ledger and episodes by month
-- from here on; in one file there is nothing to gain by that.
CREATE INDEX episodes_by_time ON episodes (workspace, recorded_at);
