-- What the guide's tables lack: live states, what finds an instance, definitions, leases, events. New columns are
-- nullable or have a default, so that a program that knows only V1 goes on writing.

ALTER TABLE process_instance_entity ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE process_instance_entity ADD COLUMN role TEXT NOT NULL DEFAULT 'workflow';
ALTER TABLE process_instance_entity ADD COLUMN parent TEXT;
ALTER TABLE process_instance_entity ADD COLUMN started_epoch REAL NOT NULL DEFAULT 0;
ALTER TABLE process_instance_entity ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE process_instance_entity ADD COLUMN ended_epoch REAL;
ALTER TABLE process_instance_entity ADD COLUMN wake_epoch REAL;
ALTER TABLE process_instance_entity ADD COLUMN token INTEGER NOT NULL DEFAULT 0;
ALTER TABLE process_instance_entity ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE process_instance_entity ADD COLUMN tags BLOB;
ALTER TABLE process_instance_entity ADD COLUMN subscriptions BLOB;
ALTER TABLE process_instance_entity ADD COLUMN head BLOB;
ALTER TABLE process_instance_entity ADD COLUMN context BLOB;
ALTER TABLE process_instance_entity ADD COLUMN output BLOB;
ALTER TABLE process_instance_entity ADD COLUMN error BLOB;

CREATE INDEX process_instance_listed ON process_instance_entity (application_id, started_epoch, instance_id);

CREATE INDEX process_instance_by_status ON process_instance_entity (application_id, status, started_epoch, instance_id);

CREATE INDEX process_instance_by_name ON process_instance_entity (application_id, workflow_name, started_epoch, instance_id);

CREATE INDEX process_instance_unfinished ON process_instance_entity (application_id, instance_id) WHERE ended = 0;

CREATE INDEX process_instance_expiring ON process_instance_entity (application_id, status, ended_epoch) WHERE ended = 1;

CREATE INDEX process_instance_waking ON process_instance_entity (application_id, wake_epoch) WHERE wake_epoch IS NOT NULL;

-- SQLite cannot alter a check or a key: a table whose check or key widens is written anew.
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
    PRIMARY KEY (iteration, application_id, json_pointer, process_instance_id),
    FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
);

INSERT INTO task_info_entity (
    application_id, process_instance_id, json_pointer, iteration, task_type, is_end_node, retry_attempt, instant,
    next_position, context, model
)
SELECT
    application_id, process_instance_id, json_pointer, iteration, task_type, is_end_node, retry_attempt, instant,
    next_position, context, model
FROM task_info_before;

DROP TABLE task_info_before;

CREATE INDEX task_info_by_instance
    ON task_info_entity (application_id, process_instance_id, task_type, loop_pointer, iteration);

-- Completed records whose place a later attempt has taken.
CREATE TABLE earlier_task_entity (
    application_id      TEXT NOT NULL,
    process_instance_id TEXT NOT NULL,
    sequence            INTEGER NOT NULL,
    json_pointer        TEXT NOT NULL,
    iteration           INTEGER NOT NULL,
    loop_pointer        TEXT,
    retry_attempt       INTEGER,
    details             BLOB,
    context             BLOB,
    model               BLOB,
    PRIMARY KEY (application_id, process_instance_id, sequence),
    FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE TABLE instance_tag_entity (
    application_id TEXT NOT NULL,
    instance_id    TEXT NOT NULL,
    name           TEXT NOT NULL,
    value          TEXT NOT NULL,
    started_epoch  REAL NOT NULL,
    PRIMARY KEY (application_id, instance_id, name),
    FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE INDEX instance_tag_listed ON instance_tag_entity (application_id, name, value, started_epoch, instance_id);

CREATE TABLE definition_entity (
    application_id TEXT NOT NULL,
    digest         TEXT NOT NULL,
    namespace      TEXT NOT NULL,
    name           TEXT NOT NULL,
    version        TEXT NOT NULL,
    deployed       INTEGER NOT NULL,
    source         BLOB NOT NULL,
    base_uri       BLOB,
    PRIMARY KEY (application_id, digest)
);

CREATE TABLE application_lease_entity (
    application_id TEXT NOT NULL PRIMARY KEY,
    holder         TEXT NOT NULL,
    token          INTEGER NOT NULL,
    until_epoch    REAL NOT NULL
);

CREATE TABLE seen_event_entity (
    application_id TEXT NOT NULL,
    id             TEXT NOT NULL,
    source         TEXT NOT NULL,
    until_epoch    REAL NOT NULL,
    PRIMARY KEY (application_id, id, source)
);

CREATE INDEX seen_event_until ON seen_event_entity (application_id, until_epoch);

-- The outbox: events to be published are registered for their application. An event is known by source and id.
ALTER TABLE cloud_event_entity RENAME TO cloud_event_before;

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
    application_id    TEXT NOT NULL DEFAULT '',
    token             INTEGER NOT NULL DEFAULT 0,
    sequence          INTEGER NOT NULL DEFAULT 0,
    attributes        BLOB,
    PRIMARY KEY (source, id, reg_id)
);

INSERT INTO cloud_event_entity (
    id, reg_id, source, type, subject, data_content_type, data_schema, time, data, extensions, processed_flag, version
)
SELECT
    id, reg_id, source, type, subject, data_content_type, data_schema, time, data, extensions, processed_flag, version
FROM cloud_event_before;

DROP TABLE cloud_event_before;

CREATE INDEX cloud_event_outbox ON cloud_event_entity (application_id, token, sequence);
