-- People, pairs of people, what they wrote, and how far each has received it.

CREATE TABLE users (
    uid           INTEGER PRIMARY KEY CHECK (uid > 0),
    name          TEXT    NOT NULL UNIQUE,
    password_hash TEXT,               -- a PHC string; users of foreign tokens have none
    created_ms    INTEGER NOT NULL
) STRICT;

-- One log for both directions of a pair; `low` = `high` for one who writes notes to oneself.
CREATE TABLE conversations (
    id       INTEGER PRIMARY KEY,
    low      INTEGER NOT NULL REFERENCES users (uid),
    high     INTEGER NOT NULL REFERENCES users (uid),
    last_seq INTEGER NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    UNIQUE (low, high),
    CHECK (low <= high)
) STRICT;

-- A member is a cursor: nothing up to and with `received` waits for `uid`. Own messages count as received.
CREATE TABLE members (
    uid          INTEGER NOT NULL REFERENCES users (uid),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    received     INTEGER NOT NULL DEFAULT 0 CHECK (received >= 0),
    PRIMARY KEY (uid, conversation)
) STRICT, WITHOUT ROWID;

-- Runs of seqs that a member received beyond a gap. They touch neither the cursor nor each other.
CREATE TABLE aside (
    uid          INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    PRIMARY KEY (uid, conversation, first),
    FOREIGN KEY (uid, conversation) REFERENCES members (uid, conversation),
    CHECK (first <= last)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    sender       INTEGER NOT NULL REFERENCES users (uid),
    msg_id       BLOB    NOT NULL CHECK (length(msg_id) = 20),
    content      TEXT    NOT NULL,
    time_ms      INTEGER NOT NULL,     -- never falls as id rises
    UNIQUE (conversation, seq),
    UNIQUE (msg_id, conversation, sender)
) STRICT;

CREATE TABLE revocations (
    jti       TEXT    PRIMARY KEY,
    expires_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
