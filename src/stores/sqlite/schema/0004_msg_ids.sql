-- Which message has which msgID. msgIDs are random: a unique index of them has every message change a page of its own, so
-- that a message of 100 bytes costs 4 096 in the log. Now each msgID is a number in a small table, to which the newest
-- messages are added later, many at once and in its order.

-- Messages whose msgID an older message has too: of another sender, or in another conversation.
CREATE TABLE namesakes (
    msg_id       BLOB    NOT NULL CHECK (length(msg_id) = 20),
    conversation INTEGER NOT NULL,
    sender       INTEGER NOT NULL,
    message      INTEGER NOT NULL REFERENCES messages (id),
    PRIMARY KEY (msg_id, conversation, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO namesakes (msg_id, conversation, sender, message)
    SELECT m.msg_id, m.conversation, m.sender, m.id FROM messages m
    WHERE EXISTS (SELECT 1 FROM messages o WHERE o.msg_id = m.msg_id AND o.id < m.id);

-- The first message of each msgID: the msgID's hash in the upper 28 bits, the message's id in the lower 36.
CREATE TABLE msg_ids (entry INTEGER PRIMARY KEY) STRICT;

-- One row. Who knew the secret could write many messages of one hash. Messages up to and with `through` are in `msg_ids`,
-- and of later ones some may be.
CREATE TABLE msg_ids_state (
    secret  BLOB    NOT NULL CHECK (length(secret) = 16),
    through INTEGER NOT NULL CHECK (through >= 0)
) STRICT;
INSERT INTO msg_ids_state (secret, through) VALUES (randomblob(16), 0);

CREATE TABLE messages_new (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    sender       INTEGER NOT NULL REFERENCES users (uid),
    msg_id       BLOB    NOT NULL CHECK (length(msg_id) = 20),
    content      TEXT    NOT NULL,
    time_ms      INTEGER NOT NULL,     -- never falls as id rises
    kind         INTEGER NOT NULL DEFAULT 0,
    envelope     TEXT,
    UNIQUE (conversation, seq)
) STRICT;
INSERT INTO messages_new (id, conversation, seq, sender, msg_id, content, time_ms, kind, envelope)
    SELECT id, conversation, seq, sender, msg_id, content, time_ms, kind, envelope FROM messages ORDER BY id;
DROP TABLE messages;
ALTER TABLE messages_new RENAME TO messages;
