//! Which form the tables have, and how older ones are brought to it.

use rusqlite::Connection;

/// Written in the file as `user_version`; 0 is an empty file.
pub(crate) const FORM: i64 = 3;

/// Makes the tables, and moves what an older form holds into them: all of it, or nothing.
pub(crate) fn bring(db: &mut Connection, found: i64) -> rusqlite::Result<()> {
    if found == FORM {
        return Ok(());
    }
    let tx = db.transaction()?;
    if 0 < found {
        tx.execute_batch(AWAY)?;
    }
    tx.execute_batch(TABLES)?;
    match found {
        0 => {}
        1 => tx.execute_batch(&[USERS_OF_1, BACK].concat())?,
        _ => tx.execute_batch(&[USERS_OF_2, BACK].concat())?,
    }
    tx.pragma_update(None, "user_version", FORM)?;
    tx.commit()
}

/// Members stay where they are. Until form 3 a user's row named its member, so that only who had
/// been here could be one.
const AWAY: &str = "
    DROP INDEX one_open;
    DROP INDEX by_time;
    DROP INDEX by_member;
    ALTER TABLE check_ins RENAME TO old_check_ins;
    ALTER TABLE users RENAME TO old_users;
    ALTER TABLE members ADD COLUMN user_id TEXT;
";
/// In form 1 users were numbers.
const USERS_OF_1: &str = "
    INSERT INTO users (id, username, full_name, role, active)
        SELECT CAST(id AS TEXT), username, full_name, role, active FROM old_users;
";
const USERS_OF_2: &str = "
    INSERT INTO users (id, username, full_name, email, role, role_stated_at, active)
        SELECT id, username, full_name, email, role, role_stated_at, active FROM old_users;
";
const BACK: &str = "
    UPDATE members SET user_id =
        (SELECT CAST(id AS TEXT) FROM old_users WHERE member_id = members.id);
    INSERT INTO check_ins
        SELECT id, member_id, location, notes, check_in_time, check_out_time,
               CAST(checked_in_by AS TEXT)
        FROM old_check_ins;
    DROP TABLE old_check_ins;
    DROP TABLE old_users;
";

/// Times are milliseconds since 1970 (UTC), but `role_stated_at` is what tokens have: seconds.
/// `one_open` is what makes a second check-in of someone
/// who is in impossible, however many ask at once and by whatever process.
///
/// `changes` are the newest arrivals and departures, in the order of their commits, which no clock
/// can change; `dashboards` are the connections and those that were; `shown` is up to which change
/// every connection that was there has been told.
///
/// A member's `user_id` need not be in `users`: they are written there when their token first
/// comes.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS members (
        id TEXT PRIMARY KEY,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL,
        membership_type TEXT NOT NULL DEFAULT '',
        membership_number TEXT NOT NULL UNIQUE,
        barcode TEXT NOT NULL UNIQUE,
        user_id TEXT
    ) STRICT;
    CREATE UNIQUE INDEX one_user ON members (user_id);
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        full_name TEXT NOT NULL,
        email TEXT NOT NULL DEFAULT '',
        role TEXT NOT NULL CHECK (role IN ('admin', 'staff', 'trainer', 'member')),
        role_stated_at INTEGER NOT NULL DEFAULT 0,
        active INTEGER NOT NULL DEFAULT 1
    ) STRICT;
    CREATE TABLE check_ins (
        id TEXT PRIMARY KEY,
        member_id TEXT NOT NULL REFERENCES members (id),
        location TEXT NOT NULL,
        notes TEXT NOT NULL,
        check_in_time INTEGER NOT NULL,
        check_out_time INTEGER,
        checked_in_by TEXT REFERENCES users (id)
    ) STRICT;
    CREATE UNIQUE INDEX one_open ON check_ins (member_id) WHERE check_out_time IS NULL;
    CREATE INDEX by_time ON check_ins (check_in_time);
    CREATE INDEX by_member ON check_ins (member_id, check_in_time);
    CREATE TABLE changes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        check_in TEXT NOT NULL REFERENCES check_ins (id) ON DELETE CASCADE,
        is_arrival INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE dashboards (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL,
        address TEXT NOT NULL,
        token_id TEXT,
        shown INTEGER NOT NULL,
        told INTEGER NOT NULL,
        is_owed INTEGER NOT NULL DEFAULT 0,
        is_away INTEGER NOT NULL DEFAULT 0,
        claimed_by INTEGER
    ) STRICT;
    CREATE INDEX dashboards_of ON dashboards (user_id);
    CREATE INDEX dashboards_claimed ON dashboards (claimed_by) WHERE claimed_by IS NOT NULL;
    CREATE TABLE shown (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        seq INTEGER NOT NULL
    ) STRICT;
    INSERT INTO shown VALUES (1, 0);
";
