-- The tables of the persistence guide.

CREATE TABLE process_instance_entity (
    application_id     TEXT NOT NULL CHECK (length(application_id) <= 255),
    instance_id        TEXT NOT NULL CHECK (length(instance_id) <= 255),
    workflow_name      TEXT NOT NULL CHECK (length(workflow_name) <= 255),
    workflow_namespace TEXT NOT NULL CHECK (length(workflow_namespace) <= 255),
    workflow_version   TEXT NOT NULL CHECK (length(workflow_version) <= 255),
    started_at         TEXT NOT NULL,
    status             INTEGER CHECK (status BETWEEN 0 AND 6),
    input              BLOB,
    PRIMARY KEY (application_id, instance_id)
);

CREATE TABLE task_info_entity (
    application_id      TEXT NOT NULL CHECK (length(application_id) <= 255),
    process_instance_id TEXT NOT NULL CHECK (length(process_instance_id) <= 255),
    json_pointer        TEXT NOT NULL CHECK (length(json_pointer) <= 255),
    iteration           INTEGER NOT NULL,
    task_type           INTEGER NOT NULL CHECK (task_type IN (1, 2)),
    is_end_node         INTEGER CHECK (is_end_node IN (0, 1)),
    retry_attempt       INTEGER,
    instant             TEXT,
    next_position       TEXT CHECK (length(next_position) <= 255),
    context             BLOB,
    model               BLOB,
    PRIMARY KEY (iteration, application_id, json_pointer, process_instance_id),
    FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
);

CREATE TABLE cloud_event_entity (
    id                TEXT NOT NULL CHECK (length(id) <= 255),
    reg_id            TEXT NOT NULL CHECK (length(reg_id) <= 255),
    source            TEXT NOT NULL CHECK (length(source) <= 255),
    type              TEXT NOT NULL CHECK (length(type) <= 255),
    subject           TEXT CHECK (length(subject) <= 255),
    data_content_type TEXT CHECK (length(data_content_type) <= 255),
    data_schema       TEXT CHECK (length(data_schema) <= 255),
    time              TEXT,
    data              BLOB,
    extensions        BLOB,
    processed_flag    INTEGER DEFAULT 0 CHECK (processed_flag IN (0, 1)),
    version           INTEGER NOT NULL CHECK (version BETWEEN 0 AND 1),
    PRIMARY KEY (id)
);
