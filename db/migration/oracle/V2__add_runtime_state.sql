-- What the guide's tables lack: live states, what finds an instance, definitions, leases, events. New columns are
-- nullable or have a default, so that a program that knows only V1 goes on writing. Each statement does all or
-- nothing, so that an interrupted migration can be repeated.

ALTER TABLE process_instance_entity ADD (
    digest VARCHAR2(255) DEFAULT '-' NOT NULL,
    role VARCHAR2(255) DEFAULT 'workflow' NOT NULL,
    parent VARCHAR2(255),
    started_epoch BINARY_DOUBLE DEFAULT 0 NOT NULL,
    ended NUMBER(3) DEFAULT 0 NOT NULL,
    ended_epoch BINARY_DOUBLE,
    wake_epoch BINARY_DOUBLE,
    token NUMBER(19) DEFAULT 0 NOT NULL,
    revision NUMBER(19) DEFAULT 0 NOT NULL,
    tags BLOB,
    subscriptions BLOB,
    head BLOB,
    context BLOB,
    output BLOB,
    error BLOB
);

CREATE INDEX process_instance_listed ON process_instance_entity (application_id, started_epoch, instance_id);

CREATE INDEX process_instance_by_status ON process_instance_entity (application_id, status, started_epoch, instance_id);

CREATE INDEX process_instance_by_name ON process_instance_entity (application_id, workflow_name, started_epoch, instance_id);

CREATE INDEX process_instance_unfinished ON process_instance_entity (application_id, ended, instance_id);

CREATE INDEX process_instance_expiring ON process_instance_entity (application_id, status, ended_epoch);

CREATE INDEX process_instance_waking ON process_instance_entity (application_id, wake_epoch);

ALTER TABLE task_info_entity ADD (
    full_pointer BLOB,
    loop_pointer VARCHAR2(600),
    sequence NUMBER(19),
    fixed BLOB,
    details BLOB
);

ALTER TABLE task_info_entity MODIFY (json_pointer VARCHAR2(600), next_position VARCHAR2(600));

ALTER TABLE task_info_entity DROP CONSTRAINT task_info_entity_type;

ALTER TABLE task_info_entity ADD CONSTRAINT task_info_entity_type_live CHECK (task_type IN (1, 2, 3));

CREATE INDEX task_info_by_instance
    ON task_info_entity (application_id, process_instance_id, task_type, loop_pointer, iteration);

-- Completed records whose place a later attempt has taken.
CREATE TABLE earlier_task_entity (
    application_id      VARCHAR2(255) NOT NULL,
    process_instance_id VARCHAR2(255) NOT NULL,
    sequence            NUMBER(19) NOT NULL,
    json_pointer        VARCHAR2(600) NOT NULL,
    iteration           NUMBER(10) NOT NULL,
    loop_pointer        VARCHAR2(600),
    retry_attempt       NUMBER(10),
    details             BLOB,
    context             BLOB,
    model               BLOB,
    CONSTRAINT earlier_task_entity_pkey PRIMARY KEY (application_id, process_instance_id, sequence),
    CONSTRAINT earlier_task_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE TABLE instance_tag_entity (
    application_id VARCHAR2(255) NOT NULL,
    instance_id    VARCHAR2(255) NOT NULL,
    name           VARCHAR2(100) NOT NULL,
    value          VARCHAR2(100) NOT NULL,
    started_epoch  BINARY_DOUBLE NOT NULL,
    CONSTRAINT instance_tag_entity_pkey PRIMARY KEY (application_id, instance_id, name),
    CONSTRAINT instance_tag_entity_instance FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE INDEX instance_tag_listed ON instance_tag_entity (application_id, name, value, started_epoch, instance_id);

CREATE TABLE definition_entity (
    application_id VARCHAR2(255) NOT NULL,
    digest         VARCHAR2(255) NOT NULL,
    namespace      VARCHAR2(255) NOT NULL,
    name           VARCHAR2(255) NOT NULL,
    version        VARCHAR2(255) NOT NULL,
    deployed       NUMBER(3) NOT NULL,
    source         BLOB NOT NULL,
    base_uri       BLOB,
    CONSTRAINT definition_entity_pkey PRIMARY KEY (application_id, digest)
);

CREATE TABLE application_lease_entity (
    application_id VARCHAR2(255) NOT NULL,
    holder         VARCHAR2(255) NOT NULL,
    token          NUMBER(19) NOT NULL,
    until_epoch    BINARY_DOUBLE NOT NULL,
    CONSTRAINT application_lease_entity_pkey PRIMARY KEY (application_id)
);

CREATE TABLE seen_event_entity (
    application_id VARCHAR2(255) NOT NULL,
    id             VARCHAR2(255) NOT NULL,
    source         VARCHAR2(255) NOT NULL,
    until_epoch    BINARY_DOUBLE NOT NULL,
    CONSTRAINT seen_event_entity_pkey PRIMARY KEY (application_id, id, source)
);

CREATE INDEX seen_event_until ON seen_event_entity (application_id, until_epoch);

-- The outbox: events to be published are registered for their application. An event is known by source and id.
ALTER TABLE cloud_event_entity ADD (
    application_id VARCHAR2(255) DEFAULT '-' NOT NULL,
    token NUMBER(19) DEFAULT 0 NOT NULL,
    sequence NUMBER(19) DEFAULT 0 NOT NULL,
    attributes BLOB
);

ALTER TABLE cloud_event_entity DROP CONSTRAINT cloud_event_entity_pkey;

ALTER TABLE cloud_event_entity ADD CONSTRAINT cloud_event_entity_key PRIMARY KEY (source, id, reg_id);

CREATE INDEX cloud_event_outbox ON cloud_event_entity (application_id, token, sequence);
