-- What the guide's tables lack: live states, what finds an instance, definitions, leases, events. New columns are
-- nullable or have a default, so that a program that knows only V1 goes on writing.

ALTER TABLE process_instance_entity
    ALTER COLUMN application_id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN instance_id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN workflow_name TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN workflow_namespace TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN workflow_version TYPE VARCHAR(255) COLLATE "C",
    ADD COLUMN digest VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN role VARCHAR(255) COLLATE "C" NOT NULL DEFAULT 'workflow',
    ADD COLUMN parent VARCHAR(255) COLLATE "C",
    ADD COLUMN started_epoch DOUBLE PRECISION NOT NULL DEFAULT 0,
    ADD COLUMN ended SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN ended_epoch DOUBLE PRECISION,
    ADD COLUMN wake_epoch DOUBLE PRECISION,
    ADD COLUMN token BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN revision BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN tags BYTEA,
    ADD COLUMN subscriptions BYTEA,
    ADD COLUMN head BYTEA,
    ADD COLUMN context BYTEA,
    ADD COLUMN output BYTEA,
    ADD COLUMN error BYTEA;

-- Room on each page for the next version of a row, so that a commit need not touch the indexes.
ALTER TABLE process_instance_entity SET (fillfactor = 70);

CREATE INDEX process_instance_listed ON process_instance_entity (application_id, started_epoch, instance_id);

CREATE INDEX process_instance_by_status ON process_instance_entity (application_id, status, started_epoch, instance_id);

CREATE INDEX process_instance_by_name ON process_instance_entity (application_id, workflow_name, started_epoch, instance_id);

CREATE INDEX process_instance_unfinished ON process_instance_entity (application_id, instance_id) WHERE ended = 0;

CREATE INDEX process_instance_expiring ON process_instance_entity (application_id, status, ended_epoch) WHERE ended = 1;

CREATE INDEX process_instance_waking ON process_instance_entity (application_id, wake_epoch) WHERE wake_epoch IS NOT NULL;

ALTER TABLE task_info_entity
    ALTER COLUMN application_id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN process_instance_id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN json_pointer TYPE VARCHAR(600) COLLATE "C",
    ALTER COLUMN next_position TYPE VARCHAR(600) COLLATE "C",
    ADD COLUMN full_pointer BYTEA,
    ADD COLUMN loop_pointer VARCHAR(600) COLLATE "C",
    ADD COLUMN sequence BIGINT,
    ADD COLUMN fixed BYTEA,
    ADD COLUMN details BYTEA,
    DROP CONSTRAINT task_info_entity_type,
    ADD CONSTRAINT task_info_entity_type CHECK (task_type IN (1, 2, 3));

CREATE INDEX task_info_by_instance
    ON task_info_entity (application_id, process_instance_id, task_type, loop_pointer, iteration);

-- Completed records whose place a later attempt has taken.
CREATE TABLE earlier_task_entity (
    application_id      VARCHAR(255) COLLATE "C" NOT NULL,
    process_instance_id VARCHAR(255) COLLATE "C" NOT NULL,
    sequence            BIGINT NOT NULL,
    json_pointer        VARCHAR(600) COLLATE "C" NOT NULL,
    iteration           INTEGER NOT NULL,
    loop_pointer        VARCHAR(600) COLLATE "C",
    retry_attempt       INTEGER,
    details             BYTEA,
    context             BYTEA,
    model               BYTEA,
    CONSTRAINT earlier_task_entity_pkey PRIMARY KEY (application_id, process_instance_id, sequence),
    CONSTRAINT earlier_task_entity_instance FOREIGN KEY (application_id, process_instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE TABLE instance_tag_entity (
    application_id VARCHAR(255) COLLATE "C" NOT NULL,
    instance_id    VARCHAR(255) COLLATE "C" NOT NULL,
    name           VARCHAR(100) COLLATE "C" NOT NULL,
    value          VARCHAR(100) COLLATE "C" NOT NULL,
    started_epoch  DOUBLE PRECISION NOT NULL,
    CONSTRAINT instance_tag_entity_pkey PRIMARY KEY (application_id, instance_id, name),
    CONSTRAINT instance_tag_entity_instance FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id)
);

CREATE INDEX instance_tag_listed ON instance_tag_entity (application_id, name, value, started_epoch, instance_id);

CREATE TABLE definition_entity (
    application_id VARCHAR(255) COLLATE "C" NOT NULL,
    digest         VARCHAR(255) COLLATE "C" NOT NULL,
    namespace      VARCHAR(255) COLLATE "C" NOT NULL,
    name           VARCHAR(255) COLLATE "C" NOT NULL,
    version        VARCHAR(255) COLLATE "C" NOT NULL,
    deployed       SMALLINT NOT NULL,
    source         BYTEA NOT NULL,
    base_uri       BYTEA,
    CONSTRAINT definition_entity_pkey PRIMARY KEY (application_id, digest)
);

CREATE TABLE application_lease_entity (
    application_id VARCHAR(255) COLLATE "C" NOT NULL,
    holder         VARCHAR(255) COLLATE "C" NOT NULL,
    token          BIGINT NOT NULL,
    until_epoch    DOUBLE PRECISION NOT NULL,
    CONSTRAINT application_lease_entity_pkey PRIMARY KEY (application_id)
);

CREATE TABLE seen_event_entity (
    application_id VARCHAR(255) COLLATE "C" NOT NULL,
    id             VARCHAR(255) COLLATE "C" NOT NULL,
    source         VARCHAR(255) COLLATE "C" NOT NULL,
    until_epoch    DOUBLE PRECISION NOT NULL,
    CONSTRAINT seen_event_entity_pkey PRIMARY KEY (application_id, id, source)
);

CREATE INDEX seen_event_until ON seen_event_entity (application_id, until_epoch);

-- The outbox: events to be published are registered for their application. An event is known by source and id.
ALTER TABLE cloud_event_entity
    ALTER COLUMN id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN reg_id TYPE VARCHAR(255) COLLATE "C",
    ALTER COLUMN source TYPE VARCHAR(255) COLLATE "C",
    ADD COLUMN application_id VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN token BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN sequence BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN attributes BYTEA,
    DROP CONSTRAINT cloud_event_entity_pkey,
    ADD CONSTRAINT cloud_event_entity_pkey PRIMARY KEY (source, id, reg_id);

CREATE INDEX cloud_event_outbox ON cloud_event_entity (application_id, token, sequence);
