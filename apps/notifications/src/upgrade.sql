-- From version 1, in which users were numbers.

DROP INDEX reads_by_notification;
DROP INDEX milestones_by_project;
DROP INDEX notifications_by_recipient;
ALTER TABLE users RENAME TO old_users;
ALTER TABLE notifications RENAME TO old_notifications;
ALTER TABLE reads RENAME TO old_reads;
ALTER TABLE projects RENAME TO old_projects;
ALTER TABLE project_students RENAME TO old_project_students;
ALTER TABLE milestones RENAME TO old_milestones;
