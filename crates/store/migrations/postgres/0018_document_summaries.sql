-- What a document is about, in sentences of its own: one line. Null until it is read, and for what was
-- read before there were summaries.
ALTER TABLE documents ADD COLUMN summary TEXT COLLATE "C";
