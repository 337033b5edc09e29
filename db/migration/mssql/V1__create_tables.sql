-- The tables of the persistence guide, for SQL Server 2019 and later: texts are UTF-8, compared byte by byte.

CREATE TABLE process_instance_entity (
    application_id     VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    instance_id        VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    workflow_name      VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    workflow_namespace VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    workflow_version   VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    started_at         DATETIMEOFFSET(6) NOT NULL,
    status             TINYINT,
    input              VARBINARY(MAX),
    CONSTRAINT process_instance_entity_pkey PRIMARY KEY (application_id, instance_id),
    CONSTRAINT process_instance_entity_status CHECK (status BETWEEN 0 AND 6)
);

CREATE TABLE task_info_entity (
    application_id      VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    process_instance_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    json_pointer        VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    iteration           INT NOT NULL,
    task_type           INT NOT NULL,
    is_end_node         BIT,
    retry_attempt       INT,
    instant             DATETIMEOFFSET(6),
    next_position       VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    context             VARBINARY(MAX),
    model               VARBINARY(MAX),
    CONSTRAINT task_info_entity_pkey PRIMARY KEY (iteration, application_id, json_pointer, process_instance_id),
    CONSTRAINT task_info_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CONSTRAINT task_info_entity_type CHECK (task_type IN (1, 2)),
    CONSTRAINT task_info_entity_completed CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CONSTRAINT task_info_entity_retried CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
);

CREATE TABLE cloud_event_entity (
    id                VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    reg_id            VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    source            VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    type              VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    subject           VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    data_content_type VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    data_schema       VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    [time]            DATETIMEOFFSET(6),
    data              VARBINARY(MAX),
    extensions        VARBINARY(MAX),
    processed_flag    BIT DEFAULT 0,
    version           TINYINT NOT NULL,
    CONSTRAINT cloud_event_entity_pkey PRIMARY KEY (id),
    CONSTRAINT cloud_event_entity_version CHECK (version BETWEEN 0 AND 1)
);
