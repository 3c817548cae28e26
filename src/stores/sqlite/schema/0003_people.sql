-- Groups beside pairs; friends, blocks, orders, locations, pictures, and what a webhook is still to be told.

-- The system, which writes what an operator's server pushes. Nobody else's name may be empty.
INSERT INTO users (uid, name, password_hash, created_ms) VALUES (9223372036854775807, '', NULL, 0);

-- A pair's log has a low and a high; a group's has neither, and a row in `groups`.
CREATE TABLE conversations_new (
    id       INTEGER PRIMARY KEY,
    low      INTEGER REFERENCES users (uid),
    high     INTEGER REFERENCES users (uid),
    last_seq INTEGER NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    UNIQUE (low, high),
    CHECK (low <= high),
    CHECK ((low IS NULL) = (high IS NULL))
) STRICT;
INSERT INTO conversations_new (id, low, high, last_seq) SELECT id, low, high, last_seq FROM conversations;
DROP TABLE conversations;
ALTER TABLE conversations_new RENAME TO conversations;

CREATE TABLE groups (
    gid       INTEGER PRIMARY KEY REFERENCES conversations (id),
    name      TEXT    NOT NULL,
    protected TEXT    NOT NULL, -- the names of the fields, each as LENGTH:TEXT
    custom    TEXT    NOT NULL, -- names and values in turn, each as LENGTH:TEXT
    made_ms   INTEGER NOT NULL
) STRICT;

-- Of a group's member: what came up to and with `joined` is not the member's to see. Pairs need neither the columns nor
-- the indexes, so a pair costs what it did.
ALTER TABLE members ADD COLUMN grouped INTEGER NOT NULL DEFAULT 0 CHECK (grouped IN (0, 1));
ALTER TABLE members ADD COLUMN joined INTEGER NOT NULL DEFAULT 0 CHECK (joined >= 0);
ALTER TABLE members ADD COLUMN admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1));
CREATE INDEX members_of_group ON members (conversation) WHERE grouped = 1;
CREATE INDEX groups_of_member ON members (uid) WHERE grouped = 1;

ALTER TABLE messages ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN envelope TEXT;

-- Members of a group who were not to have a message. It counts as received by them.
CREATE TABLE ignored (
    conversation INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    uid          INTEGER NOT NULL REFERENCES users (uid),
    PRIMARY KEY (conversation, seq, uid),
    FOREIGN KEY (conversation, seq) REFERENCES messages (conversation, seq)
) STRICT, WITHOUT ROWID;

-- Both directions of a friendship.
CREATE TABLE friends (
    uid      INTEGER NOT NULL REFERENCES users (uid),
    friend   INTEGER NOT NULL REFERENCES users (uid),
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (uid, friend),
    CHECK (uid <> friend)
) STRICT, WITHOUT ROWID;

CREATE TABLE friend_requests (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    asker    INTEGER NOT NULL REFERENCES users (uid),
    asked    INTEGER NOT NULL REFERENCES users (uid),
    words    TEXT    NOT NULL,
    asked_ms INTEGER NOT NULL,
    accepted INTEGER CHECK (accepted IN (0, 1)) -- NULL: not answered yet
) STRICT;
CREATE UNIQUE INDEX friend_requests_open ON friend_requests (asked, asker) WHERE accepted IS NULL;
CREATE INDEX friend_requests_between ON friend_requests (asker, asked);
CREATE INDEX friend_requests_asking ON friend_requests (asker) WHERE accepted IS NULL;

CREATE TABLE blocks (
    uid      INTEGER NOT NULL REFERENCES users (uid),
    blocked  INTEGER NOT NULL REFERENCES users (uid),
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (uid, blocked)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    id        TEXT    PRIMARY KEY,
    customer  INTEGER NOT NULL REFERENCES users (uid),
    placed_ms INTEGER NOT NULL,
    courier   INTEGER REFERENCES users (uid),
    taken_ms  INTEGER,
    CHECK ((courier IS NULL) = (taken_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE locations (
    uid       INTEGER PRIMARY KEY REFERENCES users (uid),
    longitude REAL    NOT NULL,
    latitude  REAL    NOT NULL,
    time_ms   INTEGER NOT NULL
) STRICT;

-- The pictures themselves are files named by their id.
CREATE TABLE images (
    id      TEXT    PRIMARY KEY,
    owner   INTEGER NOT NULL REFERENCES users (uid),
    bytes   INTEGER NOT NULL,
    kept_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX images_of ON images (owner);

-- Which conversations carry which picture.
CREATE TABLE image_uses (
    image        TEXT    NOT NULL REFERENCES images (id),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    PRIMARY KEY (image, conversation)
) STRICT, WITHOUT ROWID;

CREATE TABLE hooks (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES messages (id),
    tries   INTEGER NOT NULL DEFAULT 0,
    due_ms  INTEGER                     -- NULL: given up
) STRICT;
CREATE INDEX hooks_due ON hooks (due_ms, id);
