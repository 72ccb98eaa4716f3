-- Everything this application remembers. Version 1.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('Admin', 'DepartmentAdmin', 'Advisor', 'Student')),
    academic_year TEXT NOT NULL,
    is_active     INTEGER NOT NULL DEFAULT 1
) STRICT;

-- recipient_id is a user's id, a role, or '' for everyone.
CREATE TABLE notifications (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    title          TEXT NOT NULL,
    message        TEXT NOT NULL,
    kind           TEXT NOT NULL,
    priority       TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    action_url     TEXT,
    action_text    TEXT,
    recipient_type TEXT NOT NULL CHECK (recipient_type IN ('user', 'role', 'all')),
    recipient_id   TEXT NOT NULL
) STRICT;

CREATE INDEX notifications_by_recipient ON notifications (recipient_type, recipient_id);

-- Who has read what. One user's reading hides nothing from the others (R75).
CREATE TABLE reads (
    user            INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    notification_id INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    PRIMARY KEY (user, notification_id)
) STRICT, WITHOUT ROWID;

-- For the cascade: without it every notification removed would scan the whole table.
CREATE INDEX reads_by_notification ON reads (notification_id);

CREATE TABLE projects (
    id      INTEGER PRIMARY KEY,
    title   TEXT NOT NULL,
    status  TEXT NOT NULL,
    advisor INTEGER REFERENCES users (id) ON DELETE SET NULL
) STRICT;

CREATE TABLE project_students (
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    student INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (project, student)
) STRICT, WITHOUT ROWID;

CREATE TABLE milestones (
    id       INTEGER PRIMARY KEY,
    project  INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    status   TEXT NOT NULL,
    due_date TEXT,
    notes    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX milestones_by_project ON milestones (project);

PRAGMA user_version = 1;
