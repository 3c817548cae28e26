-- Shared queues: what waits in each, and how much that is.

-- Only queues that hold something.
CREATE TABLE queues (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL UNIQUE,
    messages INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
    bytes    INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0)
) STRICT;

CREATE TABLE queued (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: cursors go by it
    queue      INTEGER NOT NULL REFERENCES queues (id),
    headers    TEXT    NOT NULL,                  -- names and values in turn, each as LENGTH:TEXT
    body       BLOB    NOT NULL,
    bytes      INTEGER NOT NULL,                  -- of headers and body, as they count for the queue
    expires_ms INTEGER,
    origin     TEXT,                              -- the queue that one of the dead was in
    buried_ms  INTEGER,
    CHECK ((origin IS NULL) = (buried_ms IS NULL))
) STRICT;

CREATE INDEX queued_in ON queued (queue, id);
CREATE INDEX queued_expiring ON queued (queue, expires_ms) WHERE expires_ms IS NOT NULL;
