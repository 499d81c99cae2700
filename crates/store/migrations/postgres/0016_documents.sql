-- Documents: files in which a model looks things up. Their bytes are elsewhere; here is what they are,
-- the chunks that they were cut into, and the vectors of those.

-- Whose it is: an assistant's, or a thread's, or a message's of a thread; what it is not is empty, so
-- that all three can be part of a key.
CREATE TABLE documents (
    workspace     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id            TEXT COLLATE "C" NOT NULL,
    assistant     TEXT COLLATE "C" NOT NULL,
    thread        TEXT COLLATE "C" NOT NULL,
    message       TEXT COLLATE "C" NOT NULL,
    filename      TEXT COLLATE "C" NOT NULL,
    media_type    TEXT COLLATE "C" NOT NULL,  -- as whoever sent it said
    size          BIGINT NOT NULL,  -- of the file, in bytes
    content_hash  BYTEA NOT NULL,  -- SHA-256 of the file
    metadata      TEXT COLLATE "C",  -- a JSON object; null: empty
    status        TEXT COLLATE "C" NOT NULL,
    error_code    TEXT COLLATE "C",
    error_message TEXT COLLATE "C",
    format        TEXT COLLATE "C",  -- what its content is; null until it was read
    title         TEXT COLLATE "C",
    notes         TEXT COLLATE "C",  -- a JSON array; null: none
    parts         BIGINT,  -- pages, slides or sheets; null where there are none
    parts_read    BIGINT NOT NULL DEFAULT 0,
    chunks        BIGINT NOT NULL DEFAULT 0,
    embedded      BIGINT NOT NULL DEFAULT 0,
    tokens        BIGINT NOT NULL DEFAULT 0,
    version       BIGINT NOT NULL DEFAULT 0,  -- 0: not searched; grows with every change to what is
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    started_at    BIGINT,
    finished_at   BIGINT,
    PRIMARY KEY (workspace, id)
);
-- The same bytes are kept once for each owner.
CREATE UNIQUE INDEX documents_of_owner
    ON documents (workspace, assistant, thread, message, content_hash);
-- Holds only those under way.
CREATE INDEX documents_processing ON documents (workspace, id) WHERE status = 'processing';

CREATE TABLE document_chunks (
    workspace TEXT COLLATE "C" NOT NULL,
    document  TEXT COLLATE "C" NOT NULL,
    number    BIGINT NOT NULL,  -- its place among the document's chunks, from 0
    headings  TEXT COLLATE "C" NOT NULL,  -- a JSON array, the outermost first
    text      TEXT COLLATE "C" NOT NULL,
    source    TEXT COLLATE "C" NOT NULL,  -- its place in the file, JSON
    place     TEXT COLLATE "C" NOT NULL,  -- the same as a citation says it
    tokens    BIGINT NOT NULL,
    PRIMARY KEY (workspace, document, number),
    FOREIGN KEY (workspace, document) REFERENCES documents (workspace, id) ON DELETE CASCADE
);

-- As for episodes: a chunk has one row with passage 0 from the start, without a model until it has a
-- vector, and one more for each further passage.
CREATE TABLE chunk_vectors (
    workspace TEXT COLLATE "C" NOT NULL,
    document  TEXT COLLATE "C" NOT NULL,
    number    BIGINT NOT NULL,
    passage   BIGINT NOT NULL,
    model     TEXT COLLATE "C" NOT NULL DEFAULT '',
    revision  TEXT COLLATE "C" NOT NULL DEFAULT '',
    dimension BIGINT NOT NULL DEFAULT 0,
    vector    BYTEA,
    states    BYTEA,
    claimed_until BIGINT NOT NULL DEFAULT 0,  -- meanwhile no other server makes its vectors
    PRIMARY KEY (workspace, document, number, passage),
    FOREIGN KEY (workspace, document, number)
        REFERENCES document_chunks (workspace, document, number) ON DELETE CASCADE
);
CREATE INDEX chunk_vectors_by_model
    ON chunk_vectors (workspace, model, revision, document, number) WHERE passage = 0;
