-- What the guide's tables lack: live states, what finds an instance, definitions, leases, events. New columns are
-- nullable or have a default, so that a program that knows only V1 goes on writing. Each statement does all or nothing,
-- so that an interrupted migration can be repeated.

ALTER TABLE process_instance_entity
    ADD COLUMN digest VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN role VARCHAR(255) NOT NULL DEFAULT 'workflow',
    ADD COLUMN parent VARCHAR(255),
    ADD COLUMN started_epoch DOUBLE NOT NULL DEFAULT 0,
    ADD COLUMN ended SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN ended_epoch DOUBLE,
    ADD COLUMN wake_epoch DOUBLE,
    ADD COLUMN token BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN revision BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN tags LONGBLOB,
    ADD COLUMN subscriptions LONGBLOB,
    ADD COLUMN head LONGBLOB,
    ADD COLUMN context LONGBLOB,
    ADD COLUMN output LONGBLOB,
    ADD COLUMN error LONGBLOB;

CREATE INDEX process_instance_listed ON process_instance_entity (application_id, started_epoch, instance_id);

CREATE INDEX process_instance_by_status ON process_instance_entity (application_id, status, started_epoch, instance_id);

CREATE INDEX process_instance_by_name ON process_instance_entity (application_id, workflow_name, started_epoch, instance_id);

CREATE INDEX process_instance_unfinished ON process_instance_entity (application_id, ended, instance_id);

CREATE INDEX process_instance_expiring ON process_instance_entity (application_id, status, ended_epoch);

CREATE INDEX process_instance_waking ON process_instance_entity (application_id, wake_epoch);

ALTER TABLE task_info_entity
    ADD COLUMN full_pointer LONGBLOB,
    ADD COLUMN loop_pointer VARCHAR(255),
    ADD COLUMN sequence BIGINT,
    ADD COLUMN fixed LONGBLOB,
    ADD COLUMN details LONGBLOB;

ALTER TABLE task_info_entity
    DROP CONSTRAINT task_info_entity_type,
    ADD CONSTRAINT task_info_entity_type_live CHECK (task_type IN (1, 2, 3));

CREATE INDEX task_info_by_instance
    ON task_info_entity (application_id, process_instance_id, task_type, loop_pointer(191), iteration);

-- Completed records whose place a later attempt has taken.
CREATE TABLE earlier_task_entity (
    application_id      VARCHAR(255) NOT NULL,
    process_instance_id VARCHAR(255) NOT NULL,
    sequence            BIGINT NOT NULL,
    json_pointer        VARCHAR(255) NOT NULL,
    iteration           INTEGER NOT NULL,
    loop_pointer        VARCHAR(255),
    retry_attempt       INTEGER,
    details             LONGBLOB,
    context             LONGBLOB,
    model               LONGBLOB,
    PRIMARY KEY (application_id, process_instance_id, sequence),
    CONSTRAINT earlier_task_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE instance_tag_entity (
    application_id VARCHAR(255) NOT NULL,
    instance_id    VARCHAR(255) NOT NULL,
    name           VARCHAR(100) NOT NULL,
    value          VARCHAR(100) NOT NULL,
    started_epoch  DOUBLE NOT NULL,
    PRIMARY KEY (application_id, instance_id, name),
    KEY instance_tag_listed (application_id, name, value, started_epoch, instance_id),
    CONSTRAINT instance_tag_entity_instance FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- Values that one statement cannot carry, in parts; the value's own column names them.
CREATE TABLE value_part_entity (
    application_id VARCHAR(255) NOT NULL,
    owner          VARCHAR(255) NOT NULL,
    id             VARCHAR(32) NOT NULL,
    number         INTEGER NOT NULL,
    part           LONGBLOB NOT NULL,
    PRIMARY KEY (application_id, owner, id, number)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE definition_entity (
    application_id VARCHAR(255) NOT NULL,
    digest         VARCHAR(255) NOT NULL,
    namespace      VARCHAR(255) NOT NULL,
    name           VARCHAR(255) NOT NULL,
    version        VARCHAR(255) NOT NULL,
    deployed       SMALLINT NOT NULL,
    source         LONGBLOB NOT NULL,
    base_uri       LONGBLOB,
    PRIMARY KEY (application_id, digest)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE application_lease_entity (
    application_id VARCHAR(255) NOT NULL,
    holder         VARCHAR(255) NOT NULL,
    token          BIGINT NOT NULL,
    until_epoch    DOUBLE NOT NULL,
    PRIMARY KEY (application_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE seen_event_entity (
    application_id VARCHAR(255) NOT NULL,
    id             VARCHAR(255) NOT NULL,
    source         VARCHAR(255) NOT NULL,
    until_epoch    DOUBLE NOT NULL,
    PRIMARY KEY (application_id, id, source),
    KEY seen_event_until (application_id, until_epoch)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

-- The outbox: events to be published are registered for their application. An event is known by source and id.
ALTER TABLE cloud_event_entity
    ADD COLUMN application_id VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN token BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN attributes LONGBLOB,
    DROP PRIMARY KEY,
    ADD PRIMARY KEY (source, id, reg_id);

CREATE INDEX cloud_event_outbox ON cloud_event_entity (application_id, token, sequence);
