    CREATE TABLE IF NOT EXISTS members (
        id TEXT PRIMARY KEY,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL,
        membership_type TEXT NOT NULL DEFAULT '',
        membership_number TEXT NOT NULL UNIQUE,
        barcode TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL DEFAULT '',
        role TEXT NOT NULL CHECK (role IN ('admin', 'staff', 'trainer', 'member')),
        role_stated_at INTEGER NOT NULL DEFAULT 0,
        active INTEGER NOT NULL DEFAULT 1,
        member_id TEXT REFERENCES members (id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS check_ins (
        id TEXT PRIMARY KEY,
        member_id TEXT NOT NULL REFERENCES members (id),
        location TEXT NOT NULL,
        notes TEXT NOT NULL,
        check_in_time INTEGER NOT NULL,
        check_out_time INTEGER,
        checked_in_by TEXT REFERENCES users (id)
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS one_open
        ON check_ins (member_id) WHERE check_out_time IS NULL;
    CREATE INDEX IF NOT EXISTS by_time ON check_ins (check_in_time);
    CREATE INDEX IF NOT EXISTS by_member ON check_ins (member_id, check_in_time);
