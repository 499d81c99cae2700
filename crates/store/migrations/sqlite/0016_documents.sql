-- Documents: files in which a model looks things up. Their bytes are elsewhere; here is what they are,
-- the chunks that they were cut into, and the vectors of those.

-- Whose it is: an assistant's, or a thread's, or a message's of a thread; what it is not is empty, so
-- that all three can be part of a key.
CREATE TABLE documents (
    workspace     TEXT    NOT NULL REFERENCES workspaces (id),
    id            TEXT    NOT NULL,
    assistant     TEXT    NOT NULL,
    thread        TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    filename      TEXT    NOT NULL,
    media_type    TEXT    NOT NULL,       -- as whoever sent it said
    size          INTEGER NOT NULL,       -- of the file, in bytes
    content_hash  BLOB    NOT NULL,       -- SHA-256 of the file
    metadata      TEXT,                   -- a JSON object; null: empty
    status        TEXT    NOT NULL,
    error_code    TEXT,
    error_message TEXT,
    format        TEXT,                   -- what its content is; null until it was read
    title         TEXT,
    notes         TEXT,                   -- a JSON array; null: none
    parts         INTEGER,                -- pages, slides or sheets; null where there are none
    parts_read    INTEGER NOT NULL DEFAULT 0,
    chunks        INTEGER NOT NULL DEFAULT 0,
    embedded      INTEGER NOT NULL DEFAULT 0,
    tokens        INTEGER NOT NULL DEFAULT 0,
    version       INTEGER NOT NULL DEFAULT 0,  -- 0: not searched; grows with every change to what is
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    started_at    INTEGER,
    finished_at   INTEGER,
    PRIMARY KEY (workspace, id)
);
-- The same bytes are kept once for each owner.
CREATE UNIQUE INDEX documents_of_owner
    ON documents (workspace, assistant, thread, message, content_hash);
-- Holds only those under way.
CREATE INDEX documents_processing ON documents (workspace, id) WHERE status = 'processing';

CREATE TABLE document_chunks (
    workspace TEXT    NOT NULL,
    document  TEXT    NOT NULL,
    number    INTEGER NOT NULL,           -- its place among the document's chunks, from 0
    headings  TEXT    NOT NULL,           -- a JSON array, the outermost first
    text      TEXT    NOT NULL,
    source    TEXT    NOT NULL,           -- its place in the file, JSON
    place     TEXT    NOT NULL,           -- the same as a citation says it
    tokens    INTEGER NOT NULL,
    PRIMARY KEY (workspace, document, number),
    FOREIGN KEY (workspace, document) REFERENCES documents (workspace, id) ON DELETE CASCADE
);

-- As for episodes: a chunk has one row with passage 0 from the start, without a model until it has a
-- vector, and one more for each further passage.
CREATE TABLE chunk_vectors (
    workspace TEXT    NOT NULL,
    document  TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    passage   INTEGER NOT NULL,
    model     TEXT    NOT NULL DEFAULT '',
    revision  TEXT    NOT NULL DEFAULT '',
    dimension INTEGER NOT NULL DEFAULT 0,
    vector    BLOB,
    states    BLOB,
    PRIMARY KEY (workspace, document, number, passage),
    FOREIGN KEY (workspace, document, number)
        REFERENCES document_chunks (workspace, document, number) ON DELETE CASCADE
);
CREATE INDEX chunk_vectors_by_model
    ON chunk_vectors (workspace, model, revision, document, number) WHERE passage = 0;
