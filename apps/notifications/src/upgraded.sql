-- After `upgrade.sql` and `schema.sql`: what was kept goes to where it is kept now.

INSERT INTO users (id, username, email, first_name, last_name, role, academic_year, is_active)
    SELECT CAST(id AS TEXT), username, email, first_name, last_name, role, academic_year, is_active
    FROM old_users;
INSERT INTO notifications SELECT * FROM old_notifications;
INSERT INTO reads SELECT CAST(user AS TEXT), notification_id FROM old_reads;
INSERT INTO projects SELECT id, title, status, CAST(advisor AS TEXT) FROM old_projects;
INSERT INTO project_students SELECT project, CAST(student AS TEXT) FROM old_project_students;
INSERT INTO milestones SELECT * FROM old_milestones;
DROP TABLE old_milestones;
DROP TABLE old_project_students;
DROP TABLE old_projects;
DROP TABLE old_reads;
DROP TABLE old_notifications;
DROP TABLE old_users;
