-- Answers of OpenAI's Responses that were kept, so that a call can go on from one of them. What was
-- said is in the thread; `body` is the rest of the response, as JSON. A deleted one keeps its place in
-- the chain, without its body.
CREATE TABLE responses (
    workspace  TEXT    NOT NULL,
    generation TEXT    NOT NULL,
    thread     TEXT    NOT NULL,
    previous   TEXT,                      -- the generation that this one went on from
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    body       TEXT    NOT NULL,
    PRIMARY KEY (workspace, generation),
    FOREIGN KEY (workspace, thread) REFERENCES threads (workspace, id) ON DELETE CASCADE
);
CREATE INDEX responses_by_thread ON responses (workspace, thread);
