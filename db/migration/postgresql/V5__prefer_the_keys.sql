-- To tables that nobody has analyzed yet all indexes of an application seem equal, and of equal ones PostgreSQL takes the
-- newest; prepared statements keep to it. So a lookup of one instance read through all of them, until the first
-- autovacuum. Made anew, the keys are the newest.

ALTER TABLE instance_tag_entity DROP CONSTRAINT IF EXISTS instance_tag_entity_instance;

ALTER TABLE earlier_task_entity DROP CONSTRAINT IF EXISTS earlier_task_entity_instance;

ALTER TABLE process_instance_entity
    DROP CONSTRAINT process_instance_entity_pkey,
    ADD CONSTRAINT process_instance_entity_pkey PRIMARY KEY (application_id, instance_id);

ALTER TABLE instance_tag_entity
    DROP CONSTRAINT instance_tag_entity_pkey,
    ADD CONSTRAINT instance_tag_entity_pkey PRIMARY KEY (application_id, instance_id, name),
    ADD CONSTRAINT instance_tag_entity_instance FOREIGN KEY (application_id, instance_id)
        REFERENCES process_instance_entity (application_id, instance_id);

ALTER TABLE earlier_task_entity ADD CONSTRAINT earlier_task_entity_instance
    FOREIGN KEY (application_id, process_instance_id)
    REFERENCES process_instance_entity (application_id, instance_id);

ALTER TABLE seen_event_entity
    DROP CONSTRAINT seen_event_entity_pkey,
    ADD CONSTRAINT seen_event_entity_pkey PRIMARY KEY (application_id, id, source);

ALTER TABLE cloud_event_entity
    DROP CONSTRAINT cloud_event_entity_pkey,
    ADD CONSTRAINT cloud_event_entity_pkey PRIMARY KEY (source, id, reg_id);
