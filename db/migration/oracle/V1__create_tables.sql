-- The tables of the persistence guide.

CREATE TABLE process_instance_entity (
    application_id     VARCHAR2(255) NOT NULL,
    instance_id        VARCHAR2(255) NOT NULL,
    workflow_name      VARCHAR2(255) NOT NULL,
    workflow_namespace VARCHAR2(255) NOT NULL,
    workflow_version   VARCHAR2(255) NOT NULL,
    started_at         TIMESTAMP(6) WITH TIME ZONE NOT NULL,
    status             NUMBER(3),
    input              BLOB,
    CONSTRAINT process_instance_entity_pkey PRIMARY KEY (application_id, instance_id),
    CONSTRAINT process_instance_entity_status CHECK (status BETWEEN 0 AND 6)
);

CREATE TABLE task_info_entity (
    application_id      VARCHAR2(255) NOT NULL,
    process_instance_id VARCHAR2(255) NOT NULL,
    json_pointer        VARCHAR2(255) NOT NULL,
    iteration           NUMBER(10) NOT NULL,
    task_type           NUMBER(10) NOT NULL,
    is_end_node         NUMBER(1),
    retry_attempt       NUMBER(10),
    instant             TIMESTAMP(6) WITH TIME ZONE,
    next_position       VARCHAR2(255),
    context             BLOB,
    model               BLOB,
    CONSTRAINT task_info_entity_pkey PRIMARY KEY (iteration, application_id, json_pointer, process_instance_id),
    CONSTRAINT task_info_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id),
    CONSTRAINT task_info_entity_type CHECK (task_type IN (1, 2)),
    CONSTRAINT task_info_entity_completed CHECK (task_type <> 1 OR is_end_node IS NOT NULL),
    CONSTRAINT task_info_entity_retried CHECK (task_type <> 2 OR retry_attempt IS NOT NULL)
);

CREATE TABLE cloud_event_entity (
    id                VARCHAR2(255) NOT NULL,
    reg_id            VARCHAR2(255) NOT NULL,
    source            VARCHAR2(255) NOT NULL,
    type              VARCHAR2(255) NOT NULL,
    subject           VARCHAR2(255),
    data_content_type VARCHAR2(255),
    data_schema       VARCHAR2(255),
    time              TIMESTAMP(6) WITH TIME ZONE,
    data              BLOB,
    extensions        BLOB,
    processed_flag    NUMBER(1) DEFAULT 0,
    version           NUMBER(3) NOT NULL,
    CONSTRAINT cloud_event_entity_pkey PRIMARY KEY (id),
    CONSTRAINT cloud_event_entity_version CHECK (version BETWEEN 0 AND 1)
);
