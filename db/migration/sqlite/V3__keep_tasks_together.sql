-- The columns of the key in another order, so that the tasks of an instance stand beside each other: a commit then
-- touches a few pages of the index instead of one for each task, and the key itself finds an instance's tasks. Only the
-- live ones, which a restart reads, need an index of their own. SQLite cannot alter a key: the table is written anew.

ALTER TABLE task_info_entity RENAME TO task_info_before;

CREATE TABLE task_info_entity (
    application_id      TEXT NOT NULL CHECK (length(application_id) <= 255),
    process_instance_id TEXT NOT NULL CHECK (length(process_instance_id) <= 255),
    json_pointer        TEXT NOT NULL CHECK (length(json_pointer) <= 600),
    iteration           INTEGER NOT NULL,
    task_type           INTEGER NOT NULL CHECK (task_type IN (1, 2, 3)),
    is_end_node         INTEGER CHECK (is_end_node IN (0, 1)),
    retry_attempt       INTEGER,
    instant             TEXT,
    next_position       TEXT CHECK (length(next_position) <= 600),
    context             BLOB,
    model               BLOB,
    full_pointer        BLOB,
    loop_pointer        TEXT CHECK (length(loop_pointer) <= 600),
    sequence            INTEGER,
    fixed               BLOB,
    details             BLOB,
    PRIMARY KEY (application_id, process_instance_id, json_pointer, iteration),
    FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
);

INSERT INTO task_info_entity (
    application_id, process_instance_id, json_pointer, iteration, task_type, is_end_node, retry_attempt, instant,
    next_position, context, model, full_pointer, loop_pointer, sequence, fixed, details
)
SELECT
    application_id, process_instance_id, json_pointer, iteration, task_type, is_end_node, retry_attempt, instant,
    next_position, context, model, full_pointer, loop_pointer, sequence, fixed, details
FROM task_info_before;

DROP TABLE task_info_before;

CREATE INDEX task_info_live ON task_info_entity (application_id, process_instance_id) WHERE task_type <> 1;
