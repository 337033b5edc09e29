-- The tables of the persistence guide, for MySQL 8 and MariaDB. Texts are compared byte by byte, spaces at the end
-- included; the collation that does so has a name of its own in each.

CREATE TABLE process_instance_entity (
    application_id     VARCHAR(255) NOT NULL,
    instance_id        VARCHAR(255) NOT NULL,
    workflow_name      VARCHAR(255) NOT NULL,
    workflow_namespace VARCHAR(255) NOT NULL,
    workflow_version   VARCHAR(255) NOT NULL,
    started_at         DATETIME(6) NOT NULL,
    status             TINYINT,
    input              LONGBLOB,
    PRIMARY KEY (application_id, instance_id),
    CONSTRAINT process_instance_entity_status CHECK (status BETWEEN 0 AND 6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE task_info_entity (
    application_id      VARCHAR(255) NOT NULL,
    process_instance_id VARCHAR(255) NOT NULL,
    json_pointer        VARCHAR(255) NOT NULL,
    iteration           INTEGER NOT NULL,
    task_type           INTEGER NOT NULL,
    is_end_node         BOOLEAN,
    retry_attempt       INTEGER,
    instant             DATETIME(6),
    next_position       VARCHAR(255),
    context             LONGBLOB,
    model               LONGBLOB,
    PRIMARY KEY (iteration, application_id, json_pointer, process_instance_id),
    CONSTRAINT task_info_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CONSTRAINT task_info_entity_type CHECK (task_type IN (1, 2)),
    CONSTRAINT task_info_entity_completed CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CONSTRAINT task_info_entity_retried CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;

CREATE TABLE cloud_event_entity (
    id                VARCHAR(255) NOT NULL,
    reg_id            VARCHAR(255) NOT NULL,
    source            VARCHAR(255) NOT NULL,
    type              VARCHAR(255) NOT NULL,
    subject           VARCHAR(255),
    data_content_type VARCHAR(255),
    data_schema       VARCHAR(255),
    `time`            DATETIME(6),
    data              LONGBLOB,
    extensions        LONGBLOB,
    processed_flag    BOOLEAN DEFAULT FALSE,
    version           TINYINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT cloud_event_entity_version CHECK (version BETWEEN 0 AND 1)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */;
