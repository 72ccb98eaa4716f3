-- Everything the chat remembers. Version 1.
--
-- Users are those who have been here; who exists is for the issuer of their tokens to say.

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    image_url    TEXT,
    -- When their last socket came or went; 0 if they have had none.
    last_seen_at INTEGER NOT NULL DEFAULT 0,
    is_active    INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    description TEXT,
    kind        TEXT NOT NULL CHECK (kind IN ('PUBLIC', 'PRIVATE', 'DM')),
    -- The two of a direct conversation, in order, so that there is one for each two.
    pair        TEXT UNIQUE,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    channel INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER')),
    -- A message before which none has to be looked for that has not reached this member.
    caught_up INTEGER NOT NULL,
    PRIMARY KEY (channel, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user);

CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    user       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The message whose thread this is in.
    reply_to   INTEGER REFERENCES messages (id) ON DELETE CASCADE,
    content    TEXT NOT NULL,
    -- What the client called it until it had an id. Said twice, it is one message.
    temp_id    TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (user, temp_id)
) STRICT;

CREATE INDEX messages_by_channel ON messages (channel);
CREATE INDEX messages_by_thread ON messages (reply_to);

CREATE TABLE reactions (
    message    INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    user       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (message, user, kind)
) STRICT, WITHOUT ROWID;

-- Whom a message has reached, and who has read it. Never its author.
CREATE TABLE receipts (
    message      INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    user         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    delivered_at INTEGER NOT NULL,
    read_at      INTEGER,
    PRIMARY KEY (message, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE drafts (
    user       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel    INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    content    TEXT NOT NULL,
    device     TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (user, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    channel  INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    inviter  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    invitee  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    UNIQUE (channel, invitee)
) STRICT;

PRAGMA user_version = 1;
