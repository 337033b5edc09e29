-- What the guide's tables lack: live states, what finds an instance, definitions, leases, events. New columns are
-- nullable or have a default, so that a program that knows only V1 goes on writing.

ALTER TABLE process_instance_entity ADD
    digest VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL DEFAULT '',
    role VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL DEFAULT 'workflow',
    parent VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    started_epoch FLOAT(53) NOT NULL DEFAULT 0,
    ended SMALLINT NOT NULL DEFAULT 0,
    ended_epoch FLOAT(53),
    wake_epoch FLOAT(53),
    token BIGINT NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT 0,
    tags VARBINARY(MAX),
    subscriptions VARBINARY(MAX),
    head VARBINARY(MAX),
    context VARBINARY(MAX),
    [output] VARBINARY(MAX),
    [error] VARBINARY(MAX);

CREATE INDEX process_instance_listed ON process_instance_entity (application_id, started_epoch, instance_id);

CREATE INDEX process_instance_by_status ON process_instance_entity (application_id, status, started_epoch, instance_id);

CREATE INDEX process_instance_by_name ON process_instance_entity (application_id, workflow_name, started_epoch, instance_id);

CREATE INDEX process_instance_unfinished ON process_instance_entity (application_id, ended, instance_id);

CREATE INDEX process_instance_expiring ON process_instance_entity (application_id, status, ended_epoch);

CREATE INDEX process_instance_waking ON process_instance_entity (application_id, wake_epoch);

ALTER TABLE task_info_entity ADD
    full_pointer VARBINARY(MAX),
    loop_pointer VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    sequence BIGINT,
    fixed VARBINARY(MAX),
    details VARBINARY(MAX);

ALTER TABLE task_info_entity DROP CONSTRAINT task_info_entity_type;

ALTER TABLE task_info_entity ADD CONSTRAINT task_info_entity_type_live CHECK (task_type IN (1, 2, 3));

CREATE INDEX task_info_by_instance
    ON task_info_entity (application_id, process_instance_id, task_type, loop_pointer, iteration);

-- Completed records whose place a later attempt has taken.
CREATE TABLE earlier_task_entity (
    application_id      VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    process_instance_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    sequence            BIGINT NOT NULL,
    json_pointer        VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    iteration           INT NOT NULL,
    loop_pointer        VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8,
    retry_attempt       INT,
    details             VARBINARY(MAX),
    context             VARBINARY(MAX),
    model               VARBINARY(MAX),
    CONSTRAINT earlier_task_entity_pkey PRIMARY KEY (application_id, process_instance_id, sequence),
    CONSTRAINT earlier_task_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE TABLE instance_tag_entity (
    application_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    instance_id    VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    name           VARCHAR(100) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    value          VARCHAR(100) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    started_epoch  FLOAT(53) NOT NULL,
    CONSTRAINT instance_tag_entity_pkey PRIMARY KEY (application_id, instance_id, name),
    CONSTRAINT instance_tag_entity_instance FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE INDEX instance_tag_listed ON instance_tag_entity (application_id, name, value, started_epoch, instance_id);

CREATE TABLE definition_entity (
    application_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    digest         VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    namespace      VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    name           VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    version        VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    deployed       SMALLINT NOT NULL,
    source         VARBINARY(MAX) NOT NULL,
    base_uri       VARBINARY(MAX),
    CONSTRAINT definition_entity_pkey PRIMARY KEY (application_id, digest)
);

CREATE TABLE application_lease_entity (
    application_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    holder         VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    token          BIGINT NOT NULL,
    until_epoch    FLOAT(53) NOT NULL,
    CONSTRAINT application_lease_entity_pkey PRIMARY KEY (application_id)
);

CREATE TABLE seen_event_entity (
    application_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    id             VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    source         VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL,
    until_epoch    FLOAT(53) NOT NULL,
    CONSTRAINT seen_event_entity_pkey PRIMARY KEY (application_id, id, source)
);

CREATE INDEX seen_event_until ON seen_event_entity (application_id, until_epoch);

-- The outbox: events to be published are registered for their application. An event is known by source and id.
ALTER TABLE cloud_event_entity ADD
    application_id VARCHAR(255) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL DEFAULT '',
    token BIGINT NOT NULL DEFAULT 0,
    sequence BIGINT NOT NULL DEFAULT 0,
    attributes VARBINARY(MAX);

ALTER TABLE cloud_event_entity DROP CONSTRAINT cloud_event_entity_pkey;

ALTER TABLE cloud_event_entity ADD CONSTRAINT cloud_event_entity_key PRIMARY KEY (source, id, reg_id);

CREATE INDEX cloud_event_outbox ON cloud_event_entity (application_id, token, sequence);
